// The longest tokens at many places of a long word, found together.
//
// A walk through the trie waits for memory at each of its steps, and where it ends is hard to
// guess. Eight walks side by side wait for each other only, and in the time of one and a half most
// of those that are needed are done. That pays where tokens are short.
#ifndef QNI_TEXT_OUTLOOK_H
#define QNI_TEXT_OUTLOOK_H

#include "text/trie.h"

enum {
    QNI_OUTLOOK_PLACES = 64,
    QNI_OUTLOOK_NEAR = 8,                  // bytes that are read from each place on
    QNI_OUTLOOK_FAR = QNI_OUTLOOK_NEAR + 1 // there may be a longer token than NEAR
};

typedef struct qni_outlook_place {
    uint32_t value; // of the longest key at the place
    uint32_t size;  // its bytes; 0: there is none
} qni_outlook_place;

typedef struct qni_outlook {
    qni_outlook_place places[QNI_OUTLOOK_PLACES]; // those from text[at] on
    size_t at;
} qni_outlook;

// Whether the processor has what it takes.
bool qni_outlook_is_wide(void);

// An outlook that covers no place of a text of n bytes.
static inline void qni_outlook_begin(qni_outlook *outlook, size_t n)
{
    outlook->at = n + 1;
}

static inline bool qni_outlook_covers(const qni_outlook *outlook, size_t at)
{
    return at - outlook->at < QNI_OUTLOOK_PLACES;
}

// Whether there is text enough behind a place to look ahead from it.
static inline bool qni_outlook_has_room(size_t at, size_t n)
{
    return n - at >= QNI_OUTLOOK_PLACES + QNI_OUTLOOK_NEAR;
}

// Looks ahead from text[at]: there is room, and the processor can.
void qni_outlook_look(qni_outlook *outlook, const qni_trie *trie, const unsigned char *text,
                      size_t at);

#endif
