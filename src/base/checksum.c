#include "base/checksum.h"

#include <string.h>

enum { LANES = 8 };

// Every step can be undone, so that one changed word changes its lane for good.
static inline uint64_t mix(uint64_t lane, uint64_t word)
{
    lane ^= word;
    lane = (lane << 29 | lane >> 35) * 0x9E3779B97F4A7C15u;
    return lane;
}

// Eight lanes, so that the processor has eight products under way.
uint64_t qni_checksum(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint64_t lanes[LANES], sum = n;
    for (int i = 0; i < LANES; i++) {
        lanes[i] = (uint64_t)i;
    }
    for (; n >= sizeof lanes; n -= sizeof lanes, at += sizeof lanes) {
        uint64_t words[LANES];
        memcpy(words, at, sizeof words);
        for (int i = 0; i < LANES; i++) {
            lanes[i] = mix(lanes[i], words[i]);
        }
    }
    uint64_t rest[LANES] = {0};
    memcpy(rest, at, n);
    for (int i = 0; i < LANES; i++) {
        sum = mix(sum, mix(lanes[i], rest[i]));
        sum ^= sum >> 32;
    }
    return sum;
}
