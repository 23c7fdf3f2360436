// What is behind the public handles of grammars.
#ifndef QNI_API_GRAMMAR_INSIDE_H
#define QNI_API_GRAMMAR_INSIDE_H

#include "grammar/engine.h"
#include "quince/grammar.h"

#include <stdatomic.h>

struct qn_grammar {
    qni_engine *engine;
    _Atomic size_t references;
};

#endif
