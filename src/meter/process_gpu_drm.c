/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU seconds of processes from /proc/PID/fdinfo/FD of the cards that they have open: of
 * each client (an opening of a card) the time that each of the card's engines spent on it
 * (Documentation/gpu/drm-usage-stats.rst): "drm-engine-NAME: N ns" of amdgpu and i915,
 * "drm-cycles-NAME" of "drm-total-cycles-NAME" of xe. Files that are one client's, by
 * dup(2), fork(2) or a socket, count once: card and drm-client-id name it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter/process.h"
#include "meter/process_gpu.h"

#define CLIENTS 256 /* looked at; of more, the first */
#define ENGINES 12  /* of a client; amdgpu has ten */
#define FILES 4096  /* of a process that are looked through */
#define TEXT 4096   /* bytes of an fdinfo */
#define PARALLEL 64 /* engines at once: more time than that is no time */

typedef struct engine {
  char name[24];
  bool cycles;           /* else nanoseconds */
  uint64_t busy, total;  /* `total` of cycles only */
  uint64_t base, before; /* at the look before */
} engine;

typedef struct client {
  char card[FR__CARD];
  uint64_t id;
  int64_t pid; /* whose file is read; 0: it is closed */
  int file;
  double looked_s;
  engine engine[ENGINES];
  size_t engines;
} client;

struct fr__gpu_drm {
  int proc; /* the folder */
  size_t count;
  client client[CLIENTS];
};

/* ---- what a file tells ---- */

static engine *engine_of(client *c, const char *name, size_t length, bool cycles) {
  if (length == 0 || length >= sizeof c->engine[0].name)
    return NULL;
  for (size_t i = 0; i < c->engines; i++)
    if (strlen(c->engine[i].name) == length &&
        strncmp(c->engine[i].name, name, length) == 0 && c->engine[i].cycles == cycles)
      return &c->engine[i];
  if (c->engines == ENGINES)
    return NULL;
  engine *e = &c->engine[c->engines++];
  *e = (engine){.cycles = cycles};
  memcpy(e->name, name, length);
  return e;
}

/* "drm-engine-gfx" begins with "drm-engine-": "gfx"; NULL: it does not. */
static const char *after(const char *key, size_t length, const char *start,
                         size_t *rest) {
  const size_t begun = strlen(start);
  if (length <= begun || strncmp(key, start, begun) != 0)
    return NULL;
  *rest = length - begun;
  return key + begun;
}

/* A driver may tell less than before for a while: the larger value stays. */
static void keep_greater(uint64_t *value, const char *text) {
  uint64_t told;
  if (sscanf(text, "%" SCNu64, &told) == 1 && text[0] != '-' && told > *value)
    *value = told;
}

static bool has_unit(const char *value, const char *unit) {
  char found[8] = "";
  return sscanf(value, "%*[0-9] %7s", found) == 1 && strcmp(found, unit) == 0;
}

static void take_engine(client *c, const char *key, size_t length, const char *value) {
  const char *name;
  size_t rest;
  engine *e = NULL;
  if (after(key, length, "drm-engine-capacity-", &rest) != NULL)
    return;
  if ((name = after(key, length, "drm-engine-", &rest)) != NULL) {
    if (has_unit(value, "ns") && (e = engine_of(c, name, rest, false)) != NULL)
      keep_greater(&e->busy, value);
  } else if ((name = after(key, length, "drm-total-cycles-", &rest)) != NULL) {
    if ((e = engine_of(c, name, rest, true)) != NULL)
      keep_greater(&e->total, value);
  } else if ((name = after(key, length, "drm-cycles-", &rest)) != NULL) {
    if ((e = engine_of(c, name, rest, true)) != NULL)
      keep_greater(&e->busy, value);
  }
}

static bool is_key(const char *key, size_t length, const char *name) {
  return strlen(name) == length && strncmp(key, name, length) == 0;
}

/* A printable word; of others nothing is taken. */
static void take_word(const char *value, char word[FR__CARD]) {
  char name[FR__PROCESS_NAME];
  fr__process_name(value, strcspn(value, " \t\n"), name);
  snprintf(word, FR__CARD, "%.*s", FR__CARD - 1, name);
}

/* Each line with what it says; false where it is no client of a card. */
static bool each_line(const char *text, client *into, client *engines) {
  bool has_id = false, has_driver = false, has_place = false;
  for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
    const size_t length = strcspn(text, ":\n");
    if (text[length] != ':')
      continue;
    const char *value = text + length + 1;
    value += strspn(value, " \t");
    if (is_key(text, length, "drm-client-id")) {
      has_id = sscanf(value, "%" SCNu64, &into->id) == 1;
    } else if (is_key(text, length, "drm-pdev")) {
      take_word(value, into->card);
      has_place = true;
    } else if (is_key(text, length, "drm-driver")) {
      has_driver = true;
      if (!has_place)
        take_word(value, into->card);
    } else if (engines != NULL) {
      take_engine(engines, text, length, value);
    }
  }
  return has_id && has_driver && into->card[0] != '\0';
}

/* ---- files ---- */

static bool read_file(const fr__gpu_drm *drm, int64_t pid, int file, char text[TEXT]) {
  char path[64];
  snprintf(path, sizeof path, "%" PRId64 "/fdinfo/%d", pid, file);
  const int fd = openat(drm->proc, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return false;
  ssize_t got;
  do
    got = pread(fd, text, TEXT - 1, 0);
  while (got < 0 && errno == EINTR);
  close(fd);
  text[got > 0 ? got : 0] = '\0';
  return got > 0;
}

static client *find(fr__gpu_drm *drm, const client *wanted) {
  for (size_t i = 0; i < drm->count; i++)
    if (drm->client[i].id == wanted->id && strcmp(drm->client[i].card, wanted->card) == 0)
      return &drm->client[i];
  return NULL;
}

/* A closed client's place is taken where there is no other. */
static client *place(fr__gpu_drm *drm) {
  if (drm->count < CLIENTS)
    return &drm->client[drm->count++];
  for (size_t i = 0; i < CLIENTS; i++)
    if (drm->client[i].pid == 0)
      return &drm->client[i];
  return NULL;
}

/* Nanoseconds of a client that is new are all new; cycles need a look before. */
static void set_base(client *c, bool fresh) {
  for (size_t i = 0; i < c->engines; i++) {
    engine *e = &c->engine[i];
    e->base = fresh && !e->cycles ? 0 : e->busy;
    e->before = e->total;
  }
}

static void take_file(fr__gpu_drm *drm, int64_t pid, int file, bool fresh) {
  char text[TEXT];
  client found = {.pid = pid, .file = file};
  if (!read_file(drm, pid, file, text) || !each_line(text, &found, &found))
    return;
  client *known = find(drm, &found);
  if (known == NULL) {
    known = place(drm);
    if (known == NULL)
      return;
    *known = found;
    set_base(known, fresh);
  } else if (known->pid == 0) { /* another holder of it */
    known->pid = pid;
    known->file = file;
  }
}

static bool is_card(int folder, const char *name) {
  char target[32];
  const ssize_t got = readlinkat(folder, name, target, sizeof target - 1);
  target[got > 0 ? got : 0] = '\0';
  return strncmp(target, "/dev/dri/", 9) == 0;
}

void fr__gpu_drm_find(fr__gpu_drm *drm, int64_t pid, bool fresh) {
  char path[32];
  snprintf(path, sizeof path, "%" PRId64 "/fd", pid);
  const int folder = openat(drm->proc, path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  DIR *files = folder >= 0 ? fdopendir(folder) : NULL;
  if (files == NULL) {
    if (folder >= 0)
      close(folder);
    return;
  }
  const struct dirent *entry;
  for (size_t n = 0; n < FILES && (entry = readdir(files)) != NULL; n++) {
    char *end;
    const long file = strtol(entry->d_name, &end, 10);
    if (end != entry->d_name && *end == '\0' && file >= 0 && file < INT32_MAX &&
        is_card(folder, entry->d_name))
      take_file(drm, pid, (int)file, fresh);
  }
  closedir(files);
}

/* ---- opening ---- */

static bool has_card(const char *root) {
  char path[512];
  snprintf(path, sizeof path, "%.480s/sys/class/drm", root);
  DIR *folder = opendir(path);
  const struct dirent *entry;
  bool any = false;
  while (folder != NULL && !any && (entry = readdir(folder)) != NULL)
    any = strncmp(entry->d_name, "card", 4) == 0 ||
          strncmp(entry->d_name, "renderD", 7) == 0;
  if (folder != NULL)
    closedir(folder);
  return any;
}

fr__gpu_drm *fr__gpu_drm_new(const char *root) {
  char path[512];
  snprintf(path, sizeof path, "%.480s/proc", root);
  fr__gpu_drm *drm = has_card(root) ? calloc(1, sizeof *drm) : NULL;
  if (drm == NULL)
    return NULL;
  drm->proc = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (drm->proc < 0) {
    free(drm);
    return NULL;
  }
  return drm;
}

void fr__gpu_drm_free(fr__gpu_drm *drm) {
  if (drm == NULL)
    return;
  close(drm->proc);
  free(drm);
}

/* ---- a look ---- */

/* Seconds of all engines since the look before. */
static double step_of(client *c, double span_s) {
  double gpu_s = 0;
  for (size_t i = 0; i < c->engines; i++) {
    engine *e = &c->engine[i];
    const double busy = (double)(e->busy - e->base);
    const double total = (double)(e->total - e->before);
    if (!e->cycles)
      gpu_s += busy * 1e-9;
    else if (total > 0)
      gpu_s += busy / total * span_s;
    e->base = e->busy;
    e->before = e->total;
  }
  return gpu_s;
}

static void look_at(fr__gpu_drm *drm, client *c, double t_s, fr__gpu_take *take,
                    void *self) {
  char text[TEXT];
  client now = {.pid = c->pid};
  if (!read_file(drm, c->pid, c->file, text) || !each_line(text, &now, NULL) ||
      now.id != c->id || strcmp(now.card, c->card) != 0) {
    c->pid = 0; /* the file is closed, or another by now */
    return;
  }
  (void)each_line(text, &now, c);
  const double gpu_s = step_of(c, fmax(t_s - c->looked_s, 0));
  c->looked_s = t_s;
  const fr__gpu_use answered = {.card = c->card};
  const fr__gpu_use use = {c->card, c->pid, gpu_s, gpu_s, false};
  take(self, &answered);
  if (gpu_s > 0 && gpu_s <= PARALLEL * (t_s + 1))
    take(self, &use);
}

void fr__gpu_drm_look(fr__gpu_drm *drm, double t_s, fr__gpu_take *take, void *self) {
  for (size_t i = 0; i < drm->count; i++)
    if (drm->client[i].pid > 0)
      look_at(drm, &drm->client[i], t_s, take, self);
}
