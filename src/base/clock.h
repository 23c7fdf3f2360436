// Time that only moves forward, in microseconds from an arbitrary start.
#ifndef QNI_BASE_CLOCK_H
#define QNI_BASE_CLOCK_H

#include <stdint.h>

uint64_t qni_clock_us(void);

// The largest resident set of this process so far, in bytes; 0 where the system does not tell.
uint64_t qni_peak_memory_bytes(void);

#endif
