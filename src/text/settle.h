// Where a text can be cut so that its parts encode as the whole does, whatever follows.
//
// Encoding is a row of steps, and each forgets: from some places on, what it does no longer depends
// on what stood before, and before such a place nothing depends on what stands behind. A place that
// is one for every step is settled. It lies within the text between two added tokens, behind a
// character that is no white space and before a space, a line feed or a Chinese comma or stop (the
// "stop"), and
//
// - no added token lies across it or ends there, so that both parts find the tokens that the whole
//   has (those with lstrip take white space, which none of the first part's end is);
// - normalizers: normal forms, and tables that go by graphemes, never join a stop with what stands
//   before it; what looks at each character alone does not matter; a literal that is replaced, a
//   user's symbol and an entry of SentencePiece's table lie across it only if they hold a stop
//   behind their first byte, which is looked up; white space at the ends of a passage, and what is
//   put in front of it, are left to the parts that have these ends (`continues`, `goes_on`);
// - cutting words by an automaton: whichever state it may be in before the stop, the stop ends the
//   match, and so does the end of a text, with the same match. So the first part has the matches
//   that the whole has, and from the end of the last of them on an automaton knows nothing of what
//   was before. Either the character before the stop is in a match for certain, or one begins with
//   the stop for certain: then there is a border between words, and from here on, words are encoded
//   one by one;
// - where the pre-tokenizer leaves the place inside a word, the model may cut the word there: no
//   token holds the stop behind that character, so no merge ever crosses.
//
// What cannot be told (patterns of the general library, replaced patterns, words of Unigram without
// a pre-tokenizer) is not settled.
#ifndef QNI_TEXT_SETTLE_H
#define QNI_TEXT_SETTLE_H

#include "text/encode_context.h"

// The last settled place in (from, n] of text[0, n), which is the rest of a text that was cut at
// such a place or at its beginning; 0 when there is none. `continues`: the text began within a
// passage.
QNI_WARN_UNUSED qn_status qni_settled_before(const qni_tokenizer *tokenizer, qni_context *context,
                                             const char *text, size_t n, size_t from,
                                             bool continues, size_t *settled, qn_error *err);

// The end of the last added token in text[0, n) behind which a text can be cut too, with
// `continues` false for what follows; 0 when there is none. Reads the whole text.
size_t qni_settled_token(const qni_tokenizer *tokenizer, const char *text, size_t n,
                         bool plain_special);

#endif
