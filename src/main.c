/* The one binary: `letterlock role NAME` is how the parent starts a process; everything else is the
 * command line. */
#include "base/macros.h"
#include "cli/cli.h"
#include "roles/parent.h"
#include "roles/role.h"

#include <string.h>

static const struct {
	const char *name;
	const struct role_def *def;
} roles[] = {
	{"store", &role_store},
	{"tlskey", &role_tlskey},
	{"lookup", &role_lookup},
	{"session", &role_session},
	{"auth", &role_auth},
	{"relay", &role_relay},
	{"delivery", &role_delivery},
	{"frontend", &role_frontend},
};

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "role") == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
			if (strcmp(roles[i].name, argv[2]) == 0)
				return role_main(roles[i].def);
		return 2;
	}
	return cli_main(argc, argv, parent_serve);
}
