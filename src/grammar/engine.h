// One compiled grammar: its source, and the machine that reads text under it.
//
// The machine's tables grow while texts are read, and are shared by all matchers of the grammar, so
// every call takes the engine's lock. When the tables reach their limit they are emptied and the
// grammar is compiled anew; a matcher sees from the epoch that its states are void, and reads its
// text again.
#ifndef QNI_GRAMMAR_ENGINE_H
#define QNI_GRAMMAR_ENGINE_H

#include "base/buf.h"
#include "grammar/cfg.h"
#include "grammar/schema.h"

#include <pthread.h>

typedef enum qni_language {
    QNI_LANGUAGE_JSON_SCHEMA,
    QNI_LANGUAGE_REGEX,
    QNI_LANGUAGE_GBNF,
    QNI_LANGUAGE_LARK,
    QNI_LANGUAGE_TAGS, // see qni_tags_read
} qni_language;

// What reads the text.
typedef enum qni_machine { QNI_MACHINE_JSON, QNI_MACHINE_TERM, QNI_MACHINE_CFG } qni_machine;

typedef struct qni_source {
    qni_language language;
    char *text; // owned by the engine
    size_t size;
    qni_schema_options schema; // documents are owned by the engine
    qni_json_options json;
} qni_source;

// A place in a text. Plain data; equal places in equal surroundings compare equal as bytes.
typedef union qni_state {
    qni_json_state json;
    qni_term term;
    uint32_t set;
} qni_state;

typedef struct qni_engine {
    pthread_mutex_t lock;
    uint64_t epoch; // counts compilations
    qni_source source;
    qni_buf left_out; // what best effort left out, a line each
    bool satisfiable; // some text is valid
    // Void between two epochs:
    qni_account account;
    qni_arena arena;
    qni_terms terms;
    qni_formulas formulas;
    qni_frames frames;
    qni_json json;
    qni_cfg cfg;
    qni_machine machine;
    qni_term root;
    struct qni_masker **maskers; // one a vocabulary
    size_t n_maskers;
    size_t maskers_capacity;
} qni_engine;

// Copies the source. Compiles at once.
QNI_WARN_UNUSED qn_status qni_engine_create(const qni_source *source, qni_engine **out,
                                            qn_error *err);
void qni_engine_free(qni_engine *engine); // NULL is fine

// For the callers below, who hold the lock. `begin` makes the tables usable and counts work anew;
// `end` gives the status of what happened since.
QNI_WARN_UNUSED qn_status qni_engine_begin(qni_engine *engine, qn_error *err);
QNI_WARN_UNUSED qn_status qni_engine_end(qni_engine *engine, qn_error *err);

// The state before the first byte; false when no text is valid.
bool qni_engine_start(qni_engine *engine, qni_state *out);

// Takes text[size - 1]. False when no valid text goes on so; the state is void then.
bool qni_engine_step(qni_engine *engine, qni_state *state, const char *text, size_t size);
bool qni_engine_accepts(qni_engine *engine, const qni_state *state, const char *text, size_t size);

// The masker for a vocabulary, made when it is first asked for. With the lock held.
struct qni_vocabulary;
QNI_WARN_UNUSED qn_status qni_engine_masker(qni_engine *engine, struct qni_vocabulary *vocabulary,
                                            struct qni_masker **out, qn_error *err);

#endif
