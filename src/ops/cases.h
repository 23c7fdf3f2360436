// The text in which an operation's descriptor lists its test cases. One string is one call:
//
//   "x=fp16[2,3]{-2..2}; axis=1; keep_dims=true"
//
// Arguments by parameter name, separated by ';'. A value is
// - a random tensor:  dtype[dims]{lo..hi}   elements drawn evenly by a seed made of the text;
// {lo..hi} may be left out
//   - a tensor by elements: dtype[dims](1, 2.5, inf, nan, -0)
//   - a scalar or list literal: 3, 1.5, true, "same", [1, 2]; of the parameter's element type
//   - several values of a variadic parameter: (value, value)
// After " -> " may follow the expected outputs, tensors by elements, separated by ';', compared
// exactly unless "~ 1e-3 (why)" ends the case. Arguments of QNI_CONST and QNI_WEIGHT parameters are
// constants, the others inputs of the run; with "const " before a value it is a constant too. A
// leading "iOS17: " sets the opset (else the descriptor's own).
//
// Every case is run twice, by `eval` on its own and compiled for each CPU tier, and must give the
// same bits.
#ifndef QNI_OPS_CASES_H
#define QNI_OPS_CASES_H

#include "mil/build.h"

// A case as a program of one function "main" with the operation in it, with its inputs and what is
// expected.
typedef struct qni_case {
    qni_program *program;
    qni_tensor inputs[64]; // of the run, in the order of the function's inputs
    size_t n_inputs;
    qni_tensor expected[16];
    size_t n_expected;
    double tolerance; // relative to the largest expected magnitude; 0: exact
} qni_case;

// Parses `text` for `def`. The tensors live in the program's arena; free the program when done.
QNI_WARN_UNUSED qn_status qni_case_read(const qni_op_def *def, const char *text, qni_case *out,
                                        qn_error *err);

#endif
