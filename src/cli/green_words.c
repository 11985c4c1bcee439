/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/green_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/session.h"

enum { ADDED = 3 }; /* --checkpoint DIR --resume */

size_t cli_words_count(char *const *command) {
  size_t count = 0;
  while (command[count] != NULL)
    count++;
  return count;
}

enum cli_resuming cli_words_resuming(char *const *command) {
  static const char *const checkpoint[] = {"train", "transfer", "extend"};
  if (command[0] == NULL || command[1] == NULL ||
      strcmp(fr__path_name(command[0]), "frugal") != 0)
    return CLI_RESUMES_NOT;
  for (size_t i = 0; i < sizeof checkpoint / sizeof *checkpoint; i++)
    if (strcmp(command[1], checkpoint[i]) == 0)
      return CLI_RESUMES_CHECKPOINT;
  return strcmp(command[1], "study") == 0 ? CLI_RESUMES_STORE : CLI_RESUMES_NOT;
}

/* The option, or as much of it as getopt_long takes for it ("--ch", "--res"); what may
 * be the value of another one counts, too: then less is added than could be. */
static bool tells(char *const *command, const char *option, size_t least) {
  for (size_t i = 2; command[i] != NULL && strcmp(command[i], "--") != 0; i++) {
    const size_t length = strcspn(command[i], "=");
    if (length >= least && strncmp(command[i], option, length) == 0)
      return true;
  }
  return false;
}

char **cli_words_run(char *const *command, const char *folder, bool again) {
  const size_t count = cli_words_count(command);
  char **words = calloc(count + ADDED + 1, sizeof *words);
  size_t at = 0;
  if (words == NULL)
    return NULL;
  const bool keeps = cli_words_resuming(command) == CLI_RESUMES_CHECKPOINT;
  const bool theirs = keeps && tells(command, "--checkpoint", strlen("--ch"));
  const bool resumes = keeps && tells(command, "--resume", strlen("--res"));
  for (size_t i = 0; i < 2 && i < count; i++)
    words[at++] = command[i];
  if (keeps && !theirs) {
    words[at++] = (char *)(uintptr_t) "--checkpoint";
    words[at++] = (char *)(uintptr_t)folder;
  }
  if (keeps && !resumes && (!theirs || again))
    words[at++] = (char *)(uintptr_t) "--resume";
  for (size_t i = 2; i < count; i++)
    words[at++] = command[i];
  return words;
}

/* ---- the store ---- */

typedef struct search {
  char *const *words[2]; /* as told, and as run */
  bool frugal;
  cli_words_past found;
} search;

/* Whether the words that were stored end with these; `skip` of these are left out, and
 * nothing else stands before them. */
static bool same(const json_t *stored, char *const *words, size_t skip, size_t before) {
  const size_t count = cli_words_count(words), all = json_array_size(stored);
  if (count < skip || all < count - skip || (before > 0 && all != count - skip + before))
    return false;
  for (size_t i = skip; i < count; i++) {
    const char *word = json_string_value(json_array_get(stored, all - count + i));
    if (word == NULL || strcmp(word, words[i]) != 0)
      return false;
  }
  return true;
}

/* "frugal train --data …" is stored under its command with one word for the first two;
 * frugal meter and frugal run have the whole command behind options of their own. */
static bool is_it(const search *s, const fr_run *run, const json_t *stored) {
  const bool around =
      strcmp(run->command, "meter") == 0 || strcmp(run->command, "run") == 0;
  for (size_t i = 0; i < 2; i++) {
    char *const *words = s->words[i];
    if (around && same(stored, words, 0, 0))
      return true;
    if (!around && s->frugal && strcmp(run->command, words[1]) == 0 &&
        same(stored, words, 2, 1))
      return true;
  }
  return false;
}

static void take(search *s, const fr_run *run) {
  json_t *result = json_loads(run->result, 0, NULL);
  const json_t *code = json_object_get(result, "exit_code");
  const json_t *earlier = json_object_get(result, "earlier");
  const double duration_s = json_number_value(json_object_get(result, "duration_s")) +
                            json_number_value(json_object_get(earlier, "duration_s"));
  if (duration_s > 0 && (code == NULL || json_integer_value(code) == 0))
    s->found = (cli_words_past){
        run->id, duration_s,
        fr_measure_known(cli_measure_of(result, "energy", FR_UNIT_JOULE))};
  json_decref(result);
}

static bool look_at(void *self, const fr_run *run) {
  search *s = self;
  if (strcmp(run->state, "done") != 0 || run->result == NULL || run->argv == NULL)
    return true;
  json_t *stored = json_loads(run->argv, 0, NULL);
  if (is_it(s, run, stored))
    take(s, run);
  json_decref(stored);
  return s->found.run == 0;
}

cli_words_past cli_words_past_of(char *const *command, const char *folder,
                                 const char *store) {
  fr_store *open = NULL;
  char **as_run = cli_words_run(command, folder, true);
  search s = {.words = {command, as_run},
              .frugal = cli_words_resuming(command) != CLI_RESUMES_NOT};
  if (as_run != NULL && fr_store_open_read(store, &open, NULL) == FR_OK)
    (void)fr_store_runs(open, 0, look_at, &s, NULL);
  fr_store_close(open);
  free(as_run);
  return s.found;
}
