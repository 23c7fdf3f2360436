// Numbers for tests that are the same in every run: a linear congruential generator (Knuth's MMIX).
#ifndef QUINCE_TESTS_RANDOM_H
#define QUINCE_TESTS_RANDOM_H

#include <stdint.h>

static uint64_t random_state = 1;

// A number below n > 0.
static inline uint32_t below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

#endif
