/* Temporary directories of tests, and how they go. */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include <ftw.h>
#include <stdio.h>

static inline int
tree_remove_entry(const char *path, const struct stat *found, int type, struct FTW *at)
{
	return remove(path);
}

/* With all that is in it. */
static inline void
remove_tree(const char *path)
{
	nftw(path, tree_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
