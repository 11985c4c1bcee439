/* SPDX-License-Identifier: Apache-2.0 */
/* "python3" tells nobody which program it was: the script does. */
#include "meter/process.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* Also with a version behind it: "python3.11", "node18". */
static const char *const interpreter[] = {"python", "node", "ruby", "perl",    "bash",
                                          "sh",     "dash", "lua",  "Rscript", "php"};

bool fr__process_is_interpreter(const char *name) {
  for (size_t i = 0; i < sizeof interpreter / sizeof interpreter[0]; i++) {
    const size_t length = strlen(interpreter[i]);
    if (strncmp(name, interpreter[i], length) == 0 &&
        strspn(name + length, "0123456789.") == strlen(name + length))
      return true;
  }
  return false;
}

/* The word after `word`; NULL behind the last one. */
static const char *next_word(const char *word, const char *end) {
  const char *nul = memchr(word, '\0', (size_t)(end - word));
  return nul != NULL && nul + 1 < end ? nul + 1 : NULL;
}

/* The first word that is no option; a module is named by -m. Code in the command line
 * (-c, -e) has no name. */
static const char *find_script(const char *words, const char *end) {
  const char *word = next_word(words, end);
  for (; word != NULL && word[0] == '-'; word = next_word(word, end)) {
    if (strcmp(word, "-m") == 0)
      return next_word(word, end);
    if (word[1] == 'c' || word[1] == 'e' || word[1] == '\0')
      return NULL;
  }
  return word;
}

void fr__process_script(const char *words, size_t size, char name[FR__PROCESS_NAME]) {
  if (size == 0 || words[size - 1] != '\0' || !fr__process_is_interpreter(name))
    return;
  const char *program = fr__path_name(words); /* "-bash" where one logs in */
  if (!fr__process_is_interpreter(program + (program[0] == '-')))
    return; /* "/usr/bin/env python3": it is about to become another one */
  const char *script = find_script(words, words + size);
  const char *file = script != NULL ? fr__path_name(script) : "";
  if (file[0] == '\0')
    return;
  char both[2 * FR__PROCESS_NAME];
  const int length = snprintf(both, sizeof both, "%s %s", name, file);
  const size_t whole = (size_t)length;
  fr__process_name(both, whole < sizeof both ? whole : sizeof both - 1, name);
}
