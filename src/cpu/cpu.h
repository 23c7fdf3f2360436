// The runner that compiles and executes models itself: reads a package, binds shapes at the first
// run, compiles, keeps plans, runs them.
#ifndef QNI_CPU_CPU_H
#define QNI_CPU_CPU_H

#include "runner/runner.h"

const qni_runner_table *qni_cpu_runner_table(void);

#endif
