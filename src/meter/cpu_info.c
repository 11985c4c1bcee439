/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/cpu_info.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define CPUINFO_CEILING ((size_t)16 << 20) /* about 4,000 processors */

static unsigned number_of(const char *text) { return (unsigned)strtoul(text, NULL, 0); }

static bool has_word(const char *text, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
    if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
      return true;
  }
  return false;
}

/* Sets text once: the first processor speaks for all. */
static void keep(char *to, size_t size, const char *value) {
  if (to[0] == '\0')
    snprintf(to, size, "%s", value);
}

static void take_x86(fr__cpu_info *cpu, const char *key, const char *value) {
  if (strcmp(key, "model name") == 0)
    keep(cpu->name, sizeof cpu->name, value);
  else if (strcmp(key, "vendor_id") == 0)
    keep(cpu->vendor, sizeof cpu->vendor, value);
  else if (strcmp(key, "cpu family") == 0)
    cpu->family = number_of(value);
  else if (strcmp(key, "model") == 0)
    cpu->model = number_of(value);
  else if (strcmp(key, "cpu cores") == 0)
    cpu->package_cores = number_of(value);
  else if (strcmp(key, "siblings") == 0)
    cpu->package_threads = number_of(value);
  else if (strcmp(key, "flags") == 0 && has_word(value, "hypervisor"))
    cpu->virtual_machine = true;
}

static void take_arm(fr__cpu_info *cpu, const char *key, const char *value) {
  if (strcmp(key, "CPU implementer") == 0) {
    keep(cpu->vendor, sizeof cpu->vendor, value);
    cpu->arm = true;
  } else if (strcmp(key, "CPU architecture") == 0) {
    cpu->family = number_of(value);
  } else if (strcmp(key, "CPU part") == 0 && cpu->model == 0) {
    cpu->model = number_of(value);
  } else if (strcmp(key, "Model") == 0) {
    keep(cpu->name, sizeof cpu->name, value);
  }
}

static void take(fr__cpu_info *cpu, const char *key, const char *value) {
  if (strcmp(key, "processor") == 0 && isdigit((unsigned char)value[0]))
    cpu->online++;
  take_x86(cpu, key, value);
  take_arm(cpu, key, value);
}

/* "key\t: value" in place. */
static void take_line(fr__cpu_info *cpu, char *line) {
  char *colon = strchr(line, ':');
  if (colon == NULL)
    return;
  char *end = colon;
  while (end > line && isspace((unsigned char)end[-1]))
    end--;
  *end = '\0';
  const char *value = colon + 1;
  while (*value == ' ' || *value == '\t')
    value++;
  take(cpu, line, value);
}

/* Boards with a device tree name themselves there: "Apple MacBook Air (M1, 2020)". */
static void take_board(fr__cpu_info *cpu, const char *root) {
  char path[512];
  snprintf(path, sizeof path, "%s/proc/device-tree/model", root);
  char *text = NULL;
  size_t size = 0;
  if (fr__file_read(path, 4096, &text, &size, NULL) == FR_OK)
    keep(cpu->name, sizeof cpu->name, text);
  free(text);
}

static bool battery_exists(const char *root) {
  char pattern[512];
  snprintf(pattern, sizeof pattern, "%s/sys/class/power_supply/BAT*", root);
  glob_t found = {0};
  const bool exists = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0;
  globfree(&found);
  return exists;
}

enum fr_status fr__cpu_info_read(const char *root, fr__cpu_info *out, fr_error *err) {
  char path[512];
  snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
  char *text = NULL;
  size_t size = 0;
  const enum fr_status status = fr__file_read(path, CPUINFO_CEILING, &text, &size, err);
  if (status != FR_OK)
    return status;
  fr__cpu_info cpu = {0};
  char *rest = text;
  for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
    take_line(&cpu, line);
  free(text);
  if (cpu.online == 0)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' lists no processor", path);
  if (cpu.arm && cpu.name[0] == '\0')
    take_board(&cpu, root);
  cpu.battery = battery_exists(root);
  *out = cpu;
  return FR_OK;
}

/* What ends a name: clock rate, graphics, and what AMD's APUs append ("R7, 12 COMPUTE
 * …"). */
static bool ends_name(const char *word) {
  static const char *const ends[] = {"@", "with", "w/", "radeon", "compute"};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    if (strcmp(word, ends[i]) == 0)
      return true;
  }
  return word[0] == 'r' && isdigit((unsigned char)word[1]) && strchr(word, ',') != NULL;
}

static bool ends_with(const char *word, const char *end) {
  const size_t n = strlen(word), m = strlen(end);
  return n >= m && strcmp(word + n - m, end) == 0;
}

static bool is_generation(const char *word) {
  return isdigit((unsigned char)word[0]) && ends_with(word, "th");
}

static bool is_noise(const char *word) {
  static const char *const noise[] = {"amd", "intel", "cpu",    "processor",
                                      "apu", "gen",   "genuine"};
  for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
    if (strcmp(word, noise[i]) == 0)
      return true;
  }
  return is_generation(word) || ends_with(word, "-core");
}

/* Lower case; "(R)" and "(TM)" become a space, or nothing before a hyphen: "FX(tm)-8350".
 */
static void fold(const char *name, char *to, size_t size) {
  size_t n = 0;
  while (*name != '\0' && n + 1 < size) {
    const size_t mark = strncasecmp(name, "(r)", 3) == 0    ? 3
                        : strncasecmp(name, "(tm)", 4) == 0 ? 4
                                                            : 0;
    if (mark == 0)
      to[n++] = (char)tolower((unsigned char)*name++);
    else if (name[mark] != '-')
      to[n++] = ' ';
    name += mark;
  }
  to[n] = '\0';
}

void fr__cpu_key(const char *name, char key[FR__CPU_KEY]) {
  char folded[2 * FR__CPU_NAME];
  fold(name, folded, sizeof folded);
  char *edition = strstr(folded, " extreme edition");
  if (edition != NULL)
    *edition = '\0';
  size_t n = 0;
  key[0] = '\0';
  char *save = NULL;
  for (const char *word = strtok_r(folded, " \t", &save);
       word != NULL && !ends_name(word); word = strtok_r(NULL, " \t", &save)) {
    if (is_noise(word))
      continue;
    const int wrote = snprintf(key + n, FR__CPU_KEY - n, "%s%s", n > 0 ? " " : "", word);
    if (wrote < 0 || (size_t)wrote >= FR__CPU_KEY - n)
      break;
    n += (size_t)wrote;
  }
}

size_t fr__cpu_name_cores(const char *name) {
  const char *at = strcasestr(name, "-core ");
  if (at == NULL)
    return 0;
  while (at > name && isdigit((unsigned char)at[-1]))
    at--;
  return number_of(at);
}
