// The compiled form of a function for one binding of its shapes: steps over buffers. The contract
// between the compiler, which makes it, and exec, which runs it; neither knows the other.
//
// registers   integers that a run computes at its start from the shapes of its inputs (or a step
// gives: LATE)
//   buffers     memory: of the arena, constants, states, inputs, outputs
//   operands    views of buffers; their dimensions, strides and offsets are constants or registers
//   steps       a kernel or a reference evaluation over operands, in order
//
// A plan is immutable and shared by threads; what changes when it runs is in exec's context.
#ifndef QNI_PLAN_PLAN_H
#define QNI_PLAN_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/eval.h"
#include "kernels/kernel.h"

// A constant, or the value of a register when `reg` is not negative.
typedef struct qni_int {
    int64_t value;
    int32_t reg;
} qni_int;

typedef enum qni_reg_kind {
    QNI_REG_INPUT, // dimension `axis` of input `input`
    QNI_REG_LATE,  // set by the step that makes a tensor of unknown size; 0 before
    QNI_REG_MADD,  // a + k * b
    QNI_REG_MUL,
    QNI_REG_FLOOR_DIV,
    QNI_REG_MOD,
    QNI_REG_MIN,
    QNI_REG_MAX,
} qni_reg_kind;

// Registers depend on earlier ones only.
typedef struct qni_reg {
    qni_reg_kind kind;
    uint32_t input;
    int32_t axis;
    qni_int a, b;
    int64_t k;
} qni_reg;

// Checked before the first step, and again after a step that sets LATE registers.
typedef struct qni_plan_check {
    bool is_range;
    qni_int a, b;      // a == b
    int64_t lo, hi;    // lo <= a <= hi
    const char *where; // the operation
    const char *what;
    bool is_late; // depends on LATE registers
} qni_plan_check;

typedef enum qni_buffer_kind {
    // `bytes` at `offset` of the arena, alive from the step that writes it to the last that reads
    QNI_BUFFER_ARENA,
    QNI_BUFFER_CONST,  // `data`, which outlives the plan
    QNI_BUFFER_INPUT,  // the memory of input `index`, given for each run
    QNI_BUFFER_STATE,  // the memory of state `index`
    QNI_BUFFER_OUTPUT, // memory of the context that stays valid until its next run
    // of the run's capped memory, made when its size is known; until the end of the run
    QNI_BUFFER_DYNAMIC,
} qni_buffer_kind;

typedef struct qni_buffer {
    qni_buffer_kind kind;
    size_t bytes; // at the registers' upper bounds
    size_t offset;
    const void *data;
    uint32_t index;
    qni_int run_bytes;    // DYNAMIC: its size once the LATE registers before it are set
    bool is_made_by_eval; // DYNAMIC: only the evaluation knows the size, and makes it
} qni_buffer;

typedef struct qni_operand {
    uint32_t buffer;
    qni_dtype dtype;
    int32_t rank;
    qni_int offset; // in elements
    qni_int dims[QNI_MAX_RANK];
    qni_int strides[QNI_MAX_RANK];
    // refers to a register, an input, a state or dynamic memory: found anew for each run
    bool is_dynamic;
    bool is_late; // refers to a LATE register or dynamic memory
} qni_operand;

// operands[first .. first + n_operands): outputs first.
typedef struct qni_step {
    const char *op;          // MIL's name of the operation, or "copy"
    const char *name;        // of the operation in the program
    const qk_kernel *kernel; // or NULL, and then
    qni_eval_fn *eval;
    const void *params;    // the kernel's
    const qni_span *spans; // of eval: over the operands behind the outputs
    uint32_t first;
    uint32_t n_operands;
    uint32_t n_outs;
    // of eval: for each output QNI_MAX_RANK register numbers to set, or -1; NULL: none
    const int32_t *late;
} qni_step;

// A named input, output or state of the plan.
typedef struct qni_port {
    const char *name;
    uint32_t buffer;
    uint32_t operand; // outputs: what the caller is given
    qni_dtype dtype;
    int32_t rank;
    qni_int dims[QNI_MAX_RANK];
} qni_port;

typedef struct qni_plan {
    qni_arena arena; // owns all below
    const char *function;
    const char *precision; // "exact"
    qni_reg *regs;
    uint32_t n_regs;
    bool has_late;
    qni_plan_check *checks;
    uint32_t n_checks;
    qni_buffer *buffers;
    uint32_t n_buffers;
    qni_operand *operands;
    uint32_t n_operands;
    qni_step *steps;
    uint32_t n_steps;
    qni_port *inputs, *outputs, *states;
    uint32_t n_inputs, n_outputs, n_states;
    size_t arena_bytes; // of one context
    size_t output_bytes;
    size_t scratch_bytes; // of one thread
    // what constants of the compiler's making lie in, and what frees it; may be NULL
    void *owned;
    void (*free_owned)(void *owned);
    size_t constant_bytes; // packed weights and constants that the steps read
} qni_plan;

void qni_plan_free(qni_plan *plan); // NULL is fine

// Bytes that running it takes with `n_threads` threads, beside constants and states.
size_t qni_plan_memory(const qni_plan *plan, size_t n_threads);

// Registers from the inputs' shapes; LATE ones as they are in `regs`.
void qni_plan_eval_regs(const qni_plan *plan, const qni_tensor *inputs, int64_t *regs);

static inline int64_t qni_int_value(qni_int x, const int64_t *regs)
{
    return x.reg >= 0 ? regs[x.reg] : x.value;
}

// Steps, one a line, with their operands and the memory map.
QNI_WARN_UNUSED qn_status qni_plan_print(const qni_plan *plan, qni_buf *out, qn_error *err);

#endif
