/* Patterns and variables of transcripts; README.md says what they mean. */
#ifndef TESTS_TRANSCRIPTS_PATTERN_H
#define TESTS_TRANSCRIPTS_PATTERN_H

#include "base/buf.h"
#include "base/map.h"

/* Whether text matches; on success new %{names} are put into vars (values are struct buf *). */
bool pattern_match(struct slice pattern, struct slice text, struct map *vars);
/* The remembered value, or the empty slice. */
struct slice pattern_var(const struct map *vars, struct slice name);

#endif
