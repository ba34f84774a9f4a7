/* The table of commands. */
#include "cli/cli_priv.h"

#define OPTION_PASSWORD_STDIN                                                                      \
	{                                                                                          \
		"password-stdin", NULL, "read passwords from standard input, one on each line"     \
	}

static const struct cli_option init_options[] = {
	{"hostname", "NAME", "the machine's full name; default: what it calls itself"},
	{"dir", "FOLDER", "put everything below this folder"},
	{"data", "FOLDER", "where the store lives; default /var/lib/letterlock"},
	{"boot-secret", "FILE", "default /etc/letterlock/boot.secret"},
	{"control", "FILE", "the socket for this command; default /run/letterlock/control"},
	{"certificate", "FILE",
		"PEM, the server's first; default /etc/letterlock/tls/certificate.pem"},
	{"key", "FILE", "PEM; default /etc/letterlock/tls/key.pem"},
	{"self-signed", NULL, "make certificate and key, and a CA (tls/ca.pem) to be trusted"},
	{"listen", "SERVICE=LIST", "addresses of smtp, submission, submissions, imaps or https (repeat)"},
	{0},
};

static const struct cli_option account_add_options[] = {
	OPTION_PASSWORD_STDIN,
	{"no-confirm", NULL, "do not ask for the recovery code to be typed back"},
	{"no-password", NULL, "no password: a recovery code and app passwords only"},
	{"app-password", "NAME", "make a first app password of this name (IMAP, POP, JMAP and sending)"},
	{"app-password-stdin", NULL, "take the app password's text from standard input"},
	{"quota", "SIZE", "most it may hold, like 500M or 10G, or none; default 10G"},
	{"language", "CODE", "in which the server writes to it: en, de, fr; default its domain's"},
	{"batch", "FILE", "make an account for each line; - is standard input"},
	{0},
};

static const struct cli_option app_add_options[] = {
	OPTION_PASSWORD_STDIN,
	{"recovery-code", NULL, "sign in with the recovery code in place of the password"},
	{"areas", "LIST", "what it opens: mail, calendar, contacts, files, archive; default mail"},
	{"protocols", "LIST", "imap, pop, smtp, dav, eas, jmap, sieve; default imap,pop,smtp,jmap"},
	{"send-only", NULL, "it can send and opens nothing"},
	{"expires", "DAYS", "after so many days it is refused"},
	{"app-password-stdin", NULL, "take its text from standard input, after the password"},
	{0},
};

static const struct cli_option password_set_options[] = {
	OPTION_PASSWORD_STDIN,
	{"recovery-code", NULL, "sign in with the recovery code in place of the password"},
	{"rotate", NULL, "make new keys, too: the old password may be known to somebody"},
	{0},
};

static const struct cli_option verify_options[] = {
	{"key", "FILE|HEX", "the key that signs releases; default: one built in, or remembered"},
	{"log", "FILE", "a copy of the log of releases: the server's must go on from it"},
	{"pack", "FILE", "the client to compare with; without a key: web.pack beside this program"},
	{"remember", NULL, "trust the key that the server names, and notice when it changes"},
	{"forget", NULL, "forget what was seen of this server before"},
	{"state", "FOLDER", "where that is kept; default ~/.local/state/letterlock/verify"},
	{"ca", "FILE", "certificates to trust in place of the system's"},
	{0},
};

static const struct cli_option manifest_show_options[] = {
	{"pack", "FILE", "the client; default: web.pack beside this program"},
	{"short", NULL, "only version and build, as the settings and verify show them"},
	{0},
};

static const struct cli_option manifest_sign_options[] = {
	{"key", "FILE", "the secret key of manifest keygen"},
	{"pack", "FILE", "the client; default: web.pack beside this program"},
	{"date", "DAY", "of the release, like 2026-11-22; default today"},
	{"next-key", "FILE|HEX", "who signs the release after this one; default the same key"},
	{0},
};

static const struct cli_option manifest_check_options[] = {
	{"key", "FILE|HEX", "the key that signs releases; default: one that is built in"},
	{"pack", "FILE", "a client that the newest release must be of"},
	{0},
};

static const struct cli_option delete_options[] = {
	{"yes", NULL, "do not ask"},
	{0},
};

static const struct cli_option dns_options[] = {
	{"dmarc", "POLICY", "none (default), quarantine or reject"},
	{"reports", "ADDRESS", "where DMARC and TLS reports go"},
	{0},
};

static const struct cli_option doctor_options[] = {
	{"no-dns", NULL, "do not ask the network"},
	{0},
};

static const struct cli_option invitation_options[] = {
	{"quota", "SIZE", "most the account may hold, like 500M or 10G, or none; default 10G"},
	{"days", "DAYS", "how long it is valid; default 14"},
	{"uses", "NUMBER", "how many accounts it makes; default 1"},
	{0},
};

static const struct cli_option registration_options[] = {
	{"quota", "SIZE", "of accounts made without an invitation; default 1G"},
	{0},
};

static const struct cli_option mta_sts_options[] = {
	{"mx", "NAMES",
		"of the hosts that take the domain's mail, with commas; default this server"},
	{"max-age", "SECONDS", "how long others may keep it; default a week, else a day"},
	{0},
};

const struct cli_command cli_commands[] = {
	{"init", "", "Write a configuration, boot secret and folders.",
		"Nothing that exists is overwritten.", cli_init, init_options},
	{"serve", "", "Run the server in the foreground.",
		"SIGTERM or Ctrl-C stops it in good order.", cli_serve, NULL},
	{"status", "", "Show the server's processes, sandboxes, memory and counters.", NULL,
		cli_status, NULL},
	{"domain add", "DOMAIN", "Receive mail for a domain, and make its DKIM keys.", NULL,
		cli_domain_add, NULL},
	{"domain list", "", "List the domains.", NULL, cli_domain_list, NULL},
	{"domain dns", "DOMAIN", "Print every DNS record that a domain needs, in zone file form.",
		"The TLSA record is of the certificate that is configured.", cli_domain_dns,
		dns_options},
	{"domain registration", "DOMAIN [MODE]", "Who may make an account in the web client.",
		"closed: nobody (at first); invitation: who has one; open: everybody, after a "
		"proof of work.\nWithout MODE it says what is set.",
		cli_domain_registration, registration_options},
	{"domain language", "DOMAIN [CODE]", "The language of accounts that have chosen none.",
		"en (at first), de, fr, or none. Without CODE it says what is set.", cli_language,
		NULL},
	{"domain mta-sts", "DOMAIN [MODE]", "The policy that has others deliver over verified TLS.",
		"none, testing (others report what would fail), enforce. Without MODE it says what "
		"is set.\n"
		"It is served as https://mta-sts.DOMAIN/.well-known/mta-sts.txt: the certificate "
		"must\n"
		"have that name, too.",
		cli_domain_mta_sts, mta_sts_options},
	{"invitation add", "DOMAIN", "Make a code with which somebody can make an account.",
		"The domain's registration must be invitation or open.", cli_invitation_add,
		invitation_options},
	{"invitation list", "", "List the invitations that can still be used.", NULL,
		cli_invitation_list, NULL},
	{"invitation revoke", "CODE", "Revoke an invitation.", NULL, cli_invitation_revoke, NULL},
	{"account add", "[ADDRESS]", "Make an account.",
		"Its keys are made here, in this process; the server gets what is sealed and "
		"public.\n"
		"The recovery code is shown once and typed back. With --batch each line of the "
		"file is\n"
		"an address, perhaps followed by the text of its app password; --no-password is "
		"needed.\n"
		"With --password-stdin the first line is the password, the next (with\n"
		"--app-password-stdin) the app password.",
		cli_account_add, account_add_options},
	{"account list", "", "List accounts, with what they hold.", NULL, cli_account_list, NULL},
	{"account disable", "ADDRESS", "No sign-in, no mail; nothing is deleted.", NULL,
		cli_account_disable, NULL},
	{"account enable", "ADDRESS", "Undo disable.", NULL, cli_account_enable, NULL},
	{"account delete", "ADDRESS", "Delete an account with all its mail and keys.", NULL,
		cli_account_delete, delete_options},
	{"account quota", "ADDRESS SIZE", "Set the most it may hold, like 500M or 10G, or none.",
		NULL, cli_account_quota, NULL},
	{"account language", "ADDRESS [CODE]", "In which language the server writes to its owner.",
		"en, de, fr, or none: then its domain's. Who signs up or changes the language in "
		"the web\nclient sets it, too. Without CODE it says what is set.",
		cli_language, NULL},
	{"account factors", "ADDRESS remove", "Take all second factors off an account.",
		"For an owner who lost them. It opens nothing: the password or recovery code is "
		"still needed.",
		cli_account_factors, NULL},
	{"app-password add", "ADDRESS NAME", "Make an app password for a mail program.",
		"Its owner signs in for that. It is shown once.", cli_app_add, app_add_options},
	{"app-password list", "ADDRESS", "List what signs in to an account.", NULL, cli_app_list,
		NULL},
	{"app-password revoke", "ADDRESS NAME", "Revoke an app password by its name or id.",
		"It opens nothing from now on, and connections made with it end.", cli_app_revoke,
		NULL},
	{"password set", "ADDRESS", "Change an account's password.",
		"With --password-stdin: the present password (or recovery code), then the new one.",
		cli_password_set, password_set_options},
	{"alias add", "ALIAS TARGET...", "Send mail for one address on to others.",
		"ALIAS may be @DOMAIN: whatever has no account there.", cli_alias_add, NULL},
	{"alias list", "", "List the aliases.", NULL, cli_alias_list, NULL},
	{"alias remove", "ALIAS [TARGET]", "Remove an alias, or one of its targets.", NULL,
		cli_alias_remove, NULL},
	{"queue list", "", "List mail that waits to be sent on.", NULL, cli_queue_list, NULL},
	{"queue retry", "ID", "Try a message again now; ID may be all.", NULL, cli_queue_retry,
		NULL},
	{"queue drop", "ID", "Drop a message without telling its sender.", NULL, cli_queue_drop,
		NULL},
	{"doctor", "", "Look for what is wrong, and say what to do.",
		"Files and permissions, certificate, DNS records, sandbox, memory, clock, ports, "
		"the\n"
		"running server. The exit status is 1 when there is a problem.",
		cli_doctor, doctor_options},
	{"verify", "URL", "Compare the web client that a server gives out with the published one.",
		"Every file is fetched as different programs would, and compared with its headers: "
		"with\n"
		"what a release key has signed, or, where none is known, with the client that was "
		"built\n"
		"here. The server's log of releases must go on from what was seen before. The "
		"exit\n"
		"status is 1 when something differs. docs/verify.md says what this proves and what "
		"not.",
		cli_verify, verify_options},
	{"manifest show", "", "Print the manifest of the web client that was built here.",
		"It is what a release signs. The same source makes the same bytes.",
		cli_manifest_show, manifest_show_options},
	{"manifest keygen", "FILE", "Make a key that signs releases of the web client.",
		"FILE gets the secret key, FILE.pub the public one. Do it on a machine that serves "
		"nothing.",
		cli_manifest_keygen, NULL},
	{"manifest sign", "LOG", "Sign the web client that was built here as the next release.",
		"It is appended to the file LOG, which is made if it is not there. Servers find it "
		"as\n"
		"web.log beside the program, and give it out.",
		cli_manifest_sign, manifest_sign_options},
	{"manifest check", "LOG", "Check the signatures of a log of releases.", NULL,
		cli_manifest_check, manifest_check_options},
	{"version", "", "Say the version.", NULL, cli_version, NULL},
	{"help", "[COMMAND...]", "Say how a command is used.", NULL, cli_help, NULL},
};
const size_t n_cli_commands = ARRAY_SIZE(cli_commands);
