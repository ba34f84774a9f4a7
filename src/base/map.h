/* A hash map from bytes to pointers, keyed SipHash so that strangers cannot choose collisions. Owns
 * copies of its keys, not its values. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map;

struct map *map_new(void);
/* Frees the map; free_value (may be NULL) is called for every value left in it. NULL map is
 * accepted. */
void map_free(struct map *m, void (*free_value)(void *));
size_t map_len(const struct map *m);

void *map_get(const struct map *m, struct slice key);
/* Sets or replaces; ret_old (may be NULL) receives the value that was replaced or NULL.
 * LL_ERR_NOMEM. */
int map_set(struct map *m, struct slice key, void *value, void **ret_old) CHECKED;
/* Removes and returns the value, or NULL. */
void *map_del(struct map *m, struct slice key);

/* Iteration in no order; start with *pos = 0. The map must not grow meanwhile; deleting the entry
 * just given is fine. */
bool map_next(const struct map *m, size_t *pos, struct slice *ret_key, void **ret_value);

#endif
