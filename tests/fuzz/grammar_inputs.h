// What harnesses of matchers share: a vocabulary of all bytes and some longer tokens, and a few
// grammars of each language.
#ifndef QNI_FUZZ_GRAMMAR_INPUTS_H
#define QNI_FUZZ_GRAMMAR_INPUTS_H

#include "quince/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const pieces[] = {"\",",      "\":", "{\"", "\"}", "],[",   "true",
                                     "null,",    "12",  "0.5", "e1",  "\\u00", "ab",
                                     "\xC3\xA9", "  ",  "[[",  "</c>"};
enum {
    N_PIECES = sizeof pieces / sizeof *pieces,
    STOP = 256 + N_PIECES,
    N_TOKENS = STOP + 1,
    N_WORDS = (N_TOKENS + 31) / 32,
    N_GRAMMARS = 8,
};

static inline void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

// A limit that the input has met ends the trial.
static inline bool fine(qn_status status, const qn_error *err)
{
    must(status == QN_OK || status == QN_LIMIT_EXCEEDED || status == QN_UNSUPPORTED, err->message);
    return status == QN_OK;
}

static inline qn_vocabulary *vocabulary(void)
{
    static qn_vocabulary *v;
    char bytes[512];
    uint32_t offsets[N_TOKENS + 1] = {0}, n = 0, stop = STOP;
    for (uint32_t i = 0; v == NULL && i < N_TOKENS; i++) {
        const char one = (char)i;
        const char *from = i < 256 ? &one : i == STOP ? "" : pieces[i - 256];
        size_t length = i < 256 ? 1 : strlen(from);
        memcpy(bytes + n, from, length);
        n += (uint32_t)length;
        offsets[i + 1] = n;
    }
    qn_error err = {0};
    must(v != NULL ||
             qn_vocabulary_create(N_TOKENS, bytes, offsets, NULL, &stop, 1, &v, &err) == QN_OK,
         "no vocabulary");
    return v;
}

static inline qn_grammar *grammar_of(unsigned i)
{
    static const char *const schemas[] = {
        "true", "{\"type\":\"object\",\"required\":[\"ab\",\"12\"],\"maxProperties\":3}",
        "{\"type\":\"array\",\"uniqueItems\":true,\"contains\":{\"type\":\"string\",\"maxLength\":"
        "3}}",
        "{\"oneOf\":[{\"multipleOf\":0.5},{\"type\":\"integer\",\"minimum\":3},{\"type\":\"array\","
        "\"items\":{\"$ref\":\"#\"}}]}",
        "{\"type\":\"object\",\"patternProperties\":{\"^a+b\":{\"enum\":[1,true]}},"
        "\"additionalProperties\":{\"type\":\"string\",\"pattern\":\"^[a-c]{2,}\"}}"};
    static qn_grammar *made[N_GRAMMARS];
    qn_error err = {0};
    qn_status status = QN_OK;
    qn_grammar **g = &made[i];
    if (*g != NULL) {
        return *g;
    }
    if (i < 5) {
        status = qn_grammar_from_json_schema(schemas[i], strlen(schemas[i]), NULL, g, &err);
    } else if (i == 5) {
        static const char text[] = "(ab|12)*(true){2,5}[^a]?";
        status = qn_grammar_from_regex(text, sizeof text - 1, g, &err);
    } else if (i == 6) {
        static const char text[] = "root ::= \"[[\" (root | \"e1\")* \"],[\" | [a-c]+ \"12\"?";
        status = qn_grammar_from_gbnf(text, sizeof text - 1, g, &err);
    } else {
        static const char text[] = "{\"tags\":[{\"begin\":\"ab\",\"schema\":{\"type\":\"object\"},"
                                   "\"end\":\"</c>\"}],\"free\":true}";
        status = qn_grammar_from_tags(text, sizeof text - 1, NULL, g, &err);
    }
    must(status == QN_OK, err.message);
    return *g;
}

#endif
