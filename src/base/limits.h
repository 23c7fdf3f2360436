// Every bound on what a file, a request or a model can make quince do, in one place. Each is far
// above real use.
#ifndef QNI_BASE_LIMITS_H
#define QNI_BASE_LIMITS_H

#include <stddef.h>

#define QNI_MIB ((size_t)1 << 20)
#define QNI_GIB ((size_t)1 << 30)

// Tensors and programs.
enum {
    QNI_MAX_RANK = 8,             // Core ML itself stops at 5; a grouped view needs a few more
    QNI_MAX_NESTED_BLOCKS = 64,   // blocks inside operations inside blocks ...
    QNI_MAX_OPERATIONS = 1000000, // in one program
    QNI_MAX_FUNCTIONS = 1024,
    QNI_MAX_VALUES_PER_ARGUMENT = 65536,
    QNI_MAX_TRACKED_INTS = 64, // elements of a tensor whose values shape inference follows
    QNI_MAX_SYMBOLS = 1000000,
    QNI_MAX_PLANS = 16, // of one function; the least recently used goes first
};
#define QNI_MAX_TENSOR_BYTES  ((size_t)1 << 40)
#define QNI_MAX_PROGRAM_BYTES (4 * QNI_GIB) // memory of the IR, weights not counted
#define QNI_MAX_DYNAMIC_BYTES (4 * QNI_GIB) // outputs of a run whose size only the run can tell

// Results of one operation that is evaluated while its program is read, and while it is compiled.
#define QNI_MAX_EARLY_FOLD_BYTES (1 * QNI_MIB)
#define QNI_MAX_FOLD_BYTES       (256 * QNI_MIB)

// Files.
#define QNI_MAX_MANIFEST_BYTES           (16 * QNI_MIB)
#define QNI_MAX_MODEL_PROTO_BYTES        (2 * QNI_GIB)  // protobuf's own limit
#define QNI_MAX_TEXT_FILE_BYTES          (1 * QNI_GIB)  // tokenizer.json and its kin
#define QNI_MAX_UNSPLIT_BYTES            (64 * QNI_MIB) // of a text that is encoded in parts
#define QNI_MAX_SAFETENSORS_HEADER_BYTES (100 * QNI_MIB)
#define QNI_MAX_IMAGE_BYTES              (2 * QNI_GIB) // a compiled form in the cache folder
#define QNI_MAX_CACHE_BYTES              (1 * QNI_GIB) // of the cache folder
enum {
    QNI_MAX_PROTO_DEPTH = 200,
    QNI_MAX_JSON_DEPTH = 512,
};

// Text.
#define QNI_MAX_DECODED_BYTES ((size_t)1 << 36) // of one call

// Grammars.
#define QNI_MAX_GRAMMAR_SOURCE_BYTES (4 * QNI_MIB) // a schema, a grammar file
// the score of a vocabulary's piece, either way: no sum of them overflows a float
#define QNI_MAX_PIECE_SCORE 1e20
// the tables of one compiled grammar; emptied when full
#define QNI_MAX_GRAMMAR_BYTES (512 * QNI_MIB)
// masks kept for one grammar and vocabulary; emptied when full
#define QNI_MAX_MASK_BYTES        (256 * QNI_MIB)
#define QNI_MAX_SHARED_MASK_BYTES (64 * QNI_MIB) // of a vocabulary's languages
#define QNI_MAX_OUTPUT_BYTES      (64 * QNI_MIB) // text of one matcher
#define QNI_MAX_SEARCH_BYTES      (16 * QNI_MIB) // of a search for the shortest completion
// steps of one decision: what no real schema comes near
#define QNI_MAX_GRAMMAR_WORK ((uint64_t)10000000) // of one decision, in steps of about 100 ns
enum {
    QNI_MAX_SHARED_MASKS = 8192,   // of a vocabulary's languages
    QNI_MAX_PATTERN_BYTES = 16384, // a chain of that many optional parts is walked by recursion
    QNI_MAX_PATTERN_DEPTH = 200,   // nested groups
    QNI_MAX_PATTERN_REPEAT = 100000,
    QNI_MAX_NUMBER_BYTES = 1024,    // digits of one number
    QNI_MAX_NUMBER_EXPONENT = 9999, // beyond any float; keeps exact arithmetic small
    QNI_MAX_SEARCHED_ITEMS = 2000,  // items that a search for a valid array adds
    QNI_MAX_ALTERNATIVES = 64,      // ways in which one open value may count for those around it
    QNI_MAX_OUTCOMES = 512,         // of one child, before equal ones are joined
    QNI_MAX_DYNAMIC_ANCHORS = 64,   // in one dynamic scope
    // conditions that decide what counts as evaluated; all subsets are formed
    QNI_MAX_UNEVALUATED_CASES = 10,
    QNI_MAX_EVALUATED_KEYS = 1024,         // named members before unevaluatedProperties
    QNI_MAX_MASKED_TOKEN_BYTES = 4096,     // a longer token is never allowed by a mask
    QNI_MAX_GRAMMAR_EXPRESSIONS = 1000000, // parts of a GBNF or Lark file
    QNI_MAX_GRAMMAR_DEPTH = 1000,          // nested parts and rules of it
    QNI_MAX_WINDOW_STATES = 256,  // of a string's language whose ways to the end are looked at
    QNI_MAX_RULE_REPEAT = 2000,   // of something recursive, which is copied
    QNI_MAX_EARLEY_ITEMS = 20000, // in one set
    QNI_MAX_TAGS = 256,           // of a grammar of free text with tagged parts
    QNI_MAX_NUMBER_PIECES = 256,  // of a set of numbers
};

// Text.
enum {
    QNI_MAX_REGEX_NODES = 10000, // of a pre-tokenizer's pattern
    QNI_MAX_REGEX_DEPTH = 100,   // of its groups and classes
    QNI_MAX_REGEX_REPEAT = 1000, // its {m,n}, which are written out
    QNI_MAX_REGEX_STATES = 4000, // of its automaton; past it the general library takes the pattern
    QNI_MAX_TOKEN_BYTES = 1 << 20,
    QNI_MAX_MERGED_BYTES = 65535, // of a token that merges make
    QNI_MAX_VOCABULARY = 1 << 24,
    QNI_MAX_ADDED_TOKENS = 1 << 20,
    QNI_MAX_GGUF_KEYS = 65536, // of its metadata
};

// One rendering of a chat template.
#define QNI_MAX_TEMPLATE_STEPS  ((size_t)20000000)
#define QNI_MAX_TEMPLATE_BYTES  (256 * QNI_MIB)
#define QNI_MAX_TEMPLATE_MEMORY (1 * QNI_GIB)
enum { QNI_MAX_TEMPLATE_DEPTH = 1500 }; // of what is evaluated inside of each other

#endif
