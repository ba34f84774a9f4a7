/* Commands as a table. */
#include "cli/cli.h"
#include "base/macros.h"

#include <stdio.h>
#include <string.h>

int
cli_main(int argc, char **argv, int (*serve)(const char *config_path))
{
	if (argc == 4 && strcmp(argv[1], "--config") == 0 && strcmp(argv[3], "serve") == 0)
		return serve(argv[2]);
	fprintf(stderr, "usage: letterlock --config FILE serve\n");
	return 2;
}
