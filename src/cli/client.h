/* The command line's end of the control socket. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "cli/cli_priv.h"
#include "ipc/control.h"

/* Connects to the running server; false after saying why not. */
bool client_open(struct cli *cli);
/* The same in silence: false with errno. */
bool client_try(struct cli *cli);
void client_close(struct cli *cli);

/* Sends one command and waits for its answer. LL_OK with the answer's body in *ret_body, valid
 * until the next call; else the server's error with its sentence in cli->error. */
int client_call(
	struct cli *cli, const char *command, struct slice body, struct slice *ret_body) CHECKED;
/* The same with a name as its body, and an answer that is not looked at. */
int client_call_name(struct cli *cli, const char *command, const char *name) CHECKED;

/* Every item of a list that comes in pages. Nonzero of item ends it and is returned. */
typedef int client_item(void *ctx, struct slice item);
int client_each(struct cli *cli, const char *command, client_item *item, void *ctx) CHECKED;
/* Every item of an answer that is one list. */
int client_items(struct slice body, client_item *item, void *ctx) CHECKED;

#endif
