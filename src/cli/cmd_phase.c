/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/wire.h"

typedef struct phase {
  const char *verb, *name;
} phase;

static error_t parse(int key, char *text, struct argp_state *state) {
  phase *p = state->input;
  switch (key) {
  case ARGP_KEY_ARG:
    if (state->arg_num == 0 && (strcmp(text, "begin") == 0 || strcmp(text, "end") == 0))
      p->verb = text;
    else if (state->arg_num == 0)
      argp_error(state, "say begin or end, not '%s'", text);
    else if (state->arg_num == 1)
      p->name = text;
    else
      argp_error(state, "'%s' is one word too many", text);
    return 0;
  case ARGP_KEY_END:
    if (p->verb == NULL || p->name == NULL)
      argp_error(state, "say begin or end, and the phase's name");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {NULL,
                                 parse,
                                 "begin NAME\nend NAME",
                                 "Marks a phase of the meter that this runs under.",
                                 NULL,
                                 NULL,
                                 NULL};

int cli_cmd_phase(int argc, char **argv) {
  phase p = {0};
  argp_parse(&argp, argc, argv, 0, NULL, &p);
  /* The line ends where the name does; what is in it, the meter judges. */
  if (strchr(p.name, '\n') != NULL || strlen(p.name) > 200)
    return cli_fail_text("a phase's name is 1 to 63 bytes of UTF-8 without '/'");
  char line[CLI_WIRE_LINE];
  snprintf(line, sizeof line, "%s %s", p.verb, p.name);
  fr_error err;
  return cli_wire_send(line, &err) == FR_OK ? CLI_DONE : cli_fail(&err);
}
