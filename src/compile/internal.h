// What the files of src/compile share: the state of one lowering.
#ifndef QNI_COMPILE_INTERNAL_H
#define QNI_COMPILE_INTERNAL_H

#include "compile/compile.h"

// a position behind the last operation: read by the function's outputs
enum { QNI_NEVER = 0xFFFFFFFF };

// A buffer while plans are made: its size still is a dimension.
typedef struct qni_draft_buffer {
    qni_buffer_kind kind;
    qni_dtype dtype;
    qni_dim count; // elements
    const void *data;
    uint32_t index;
    bool is_made_by_eval;
    bool is_output; // given to the caller
} qni_draft_buffer;

typedef struct qni_draft_step {
    qni_step step; // without operands
    size_t first;  // of its views in qni_compile.views
    uint32_t n_views;
    const int32_t *late_syms; // of eval: per output QNI_MAX_RANK symbols to set, or 0; NULL: none
} qni_draft_step;

// Where a value lies.
typedef struct qni_place {
    bool is_bound;
    qni_view view;
} qni_place;

struct qni_compile {
    qni_function *function; // specialized
    const qni_compile_options *options;
    qni_plan *plan;
    qni_lower lower;
    qni_place *places;  // by value id
    uint32_t *last_use; // by value id: the position of the last operation that reads it
    bool *late_known;   // by symbol: an UNKNOWN one that an earlier step sets
    uint32_t at;        // position of the operation that is lowered
    qn_status deferred; // of saving values inside a function that cannot fail
    qni_draft_buffer *buffers;
    size_t n_buffers, buffer_capacity;
    qni_view *views;
    size_t n_views, view_capacity;
    qni_draft_step *steps;
    size_t n_steps, step_capacity;
    qni_view *outputs;   // of the function, once placed
    const char *op_name; // of the operation that is lowered, for its steps
    const char *op_kind;
};

// A new buffer of `count` elements.
QNI_WARN_UNUSED qn_status qni_draft_add_buffer(struct qni_compile *c, qni_buffer_kind kind,
                                               qni_dtype dtype, qni_dim count, uint32_t *out);

// Saves, by copies, every value but those in memory already dead that lies in `buffer` and is read
// after the operation at hand. For before a step that overwrites the buffer.
QNI_WARN_UNUSED qn_status qni_draft_save_readers(struct qni_compile *c, uint32_t buffer);

// After lowering: removes steps whose results nobody reads.
QNI_WARN_UNUSED qn_status qni_draft_remove_dead(struct qni_compile *c);

// Turns the draft into the plan: registers, operands, checks, memory map.
QNI_WARN_UNUSED qn_status qni_draft_finish(struct qni_compile *c);

// Gives every arena buffer its place; those alive at one time do not overlap. Fills
// plan->arena_bytes.
QNI_WARN_UNUSED qn_status qni_plan_memory_map(qni_plan *plan, qn_error *err);

QNI_WARN_UNUSED qn_status qni_pack_cache_get(qni_pack_cache *cache, const qni_pack *wanted,
                                             const void **out, qn_error *err);

#endif
