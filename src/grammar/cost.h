// About how many bytes are missing: what a search for a short completion is led by. An estimate
// from the formulas alone, without writing anything: what is required is counted, what is
// forbidden is not looked at, and a number takes one byte.
#ifndef QNI_GRAMMAR_COST_H
#define QNI_GRAMMAR_COST_H

#include "grammar/frame.h"

enum { QNI_COST_FAR = 1 << 20 }; // no way that is known

// To the end of the outermost value, from inside of the frame; from a value of the goal on.
uint32_t qni_frame_cost(qni_frames *fr, qni_frame frame);
uint32_t qni_goal_cost(qni_frames *fr, qni_goal goal);

// The type of the goal's cheapest values; QNI_N_JTYPES when there are several ways on.
qni_jtype qni_goal_cheapest(qni_frames *fr, qni_goal goal);

// Is the i-th key of the universe one that the cheapest way to close the frame writes?
bool qni_frame_needs_key(qni_frames *fr, qni_frame frame, size_t i);

#endif
