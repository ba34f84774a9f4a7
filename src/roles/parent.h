/* The parent: reads the configuration, binds the sockets, starts and restarts the other processes,
 * collects their log. */
#ifndef ROLES_PARENT_H
#define ROLES_PARENT_H

/* Serves in the foreground until SIGTERM or SIGINT; the exit status. */
int parent_serve(const char *config_path);

#endif
