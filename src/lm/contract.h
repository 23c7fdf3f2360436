// Contracts: which input, output and state of a language model's function is what. Found by
// inspecting the model, as every exporter has its own habits; names are compared without case and
// underscores.
#ifndef QNI_LM_CONTRACT_H
#define QNI_LM_CONTRACT_H

#include "base/buf.h"
#include "runner/runner.h"

enum { QNI_NO_FEATURE = -1 };

typedef struct qni_contract {
    const char *name; // "stateful": inputIds, causalMask -> logits, states keyCache, valueCache
    size_t function;
    int input_ids;     // input number: int32 [1, q]
    int causal_mask;   // input number: fp16 or fp32 [1, 1, q, end], added to the scores
    int logits;        // output number: [1, q, vocabulary]
    int64_t max_query; // most tokens of one run
    int64_t min_query;
    int64_t context; // positions of the caches
    int64_t vocabulary;
} qni_contract;

// The contract of the first function that fits one. QN_UNSUPPORTED lists what each contract wants
// and what the model has.
QNI_WARN_UNUSED qn_status qni_contract_find(const qni_model_info *info, qni_contract *out,
                                            qn_error *err);

// The contract as JSON: what was found where, and what else was looked for. Appended.
QNI_WARN_UNUSED qn_status qni_contract_explain(const qni_model_info *info,
                                               const qni_contract *contract, qni_buf *out,
                                               qn_error *err);

#endif
