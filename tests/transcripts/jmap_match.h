/* Whether an answer is what a transcript wants: "..." stands for the rest, "%{name}" for a
 * variable, which is set when it has no value yet. */
#ifndef TRANSCRIPTS_JMAP_MATCH_H
#define TRANSCRIPTS_JMAP_MATCH_H

#include <jansson.h>
#include <stdbool.h>

bool jmap_matches(json_t *vars, json_t *want, json_t *got);

#endif
