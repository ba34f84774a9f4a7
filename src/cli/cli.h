/* The command line. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Runs one command; serve starts the server in the foreground with a configuration file. The exit
 * status: 0 done, 1 failed, 2 wrong usage. */
int cli_main(int argc, char **argv, int (*serve)(const char *config_path));

#endif
