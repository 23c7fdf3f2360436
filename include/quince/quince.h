// quince: Core ML ML Programs anywhere. This header includes the whole public API.
#ifndef QUINCE_QUINCE_H
#define QUINCE_QUINCE_H

#include "quince/grammar.h"
#include "quince/model.h"
#include "quince/session.h"
#include "quince/status.h"
#include "quince/template.h"
#include "quince/tensor.h"
#include "quince/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

// "0.1.0"
QN_API const char *qn_version(void);

#ifdef __cplusplus
}
#endif
#endif
