// The public model's inside, for the files of src/api that build on it.
#ifndef QNI_API_MODEL_H
#define QNI_API_MODEL_H

#include "quince/model.h"
#include "runner/runner.h"

struct qn_model {
    qni_runner *runner;
    const qni_model_info *info;
};

// The runner for this machine, and its options from the public ones.
const qni_runner_table *qni_api_runner(void);
qni_runner_options qni_api_options(const qn_model_options *options);

#endif
