// About how many bytes are missing: what a search for a short completion is led by. An estimate
// from the formulas alone, without writing anything: what is required is counted, what is
// forbidden is not looked at, and a number takes one byte.
#ifndef QNI_GRAMMAR_COST_H
#define QNI_GRAMMAR_COST_H

#include "grammar/cfg.h"

enum { QNI_COST_FAR = 1 << 20 }; // no way that is known

// To the end of the outermost value, from inside of the frame; from a value of the goal on.
uint32_t qni_frame_cost(qni_frames *fr, qni_frame frame);
uint32_t qni_goal_cost(qni_frames *fr, qni_goal goal);

// The type of the goal's cheapest values; QNI_N_JTYPES when there are several ways on.
qni_jtype qni_goal_cheapest(qni_frames *fr, qni_goal goal);

// Is the i-th key of the universe one that the cheapest way to close the frame writes?
bool qni_frame_needs_key(qni_frames *fr, qni_frame frame, size_t i);

// To the end of the outermost value, from a state inside of it; a number that is begun may end.
uint32_t qni_json_cost(qni_frames *fr, const qni_json_state *at);

// Of a key that is begun: the first needed one that it may still be, an index into the universe.
// UINT32_MAX: none.
uint32_t qni_json_wanted_key(qni_frames *fr, const qni_json_state *at);

// cfg_cost.c: from a set to the end of the text.
uint32_t qni_cfg_cost(qni_cfg *g, uint32_t set);

#endif
