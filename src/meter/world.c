/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/world.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "meter/recording.h"
#include "meter/sysfs.h"

#define PATH_CEILING 1024
#define NAP_NS 500000000u

struct fr__world {
  char *root; /* owned */
  bool replay;
  fr__recording recording;
  uint64_t asleep_ns; /* of this machine, before now; never falls */
  bool noting;
  fr__touch *touch; /* owned, with its paths */
  size_t touches, touch_capacity;
};

struct fr__channel {
  fr__world *world;     /* borrowed */
  char *path;           /* owned, where the world notes; else NULL */
  const fr__item *item; /* of a recording; NULL: nothing changes */
  int fd;               /* -1: none */
  bool adopted;         /* no pread: perf's files have no offset */
};

/* ---- the world ---- */

enum fr_status fr__world_new(const char *root, fr__world **out, fr_error *err) {
  fr__world *world = calloc(1, sizeof *world);
  if (world != NULL)
    world->root = strdup(root != NULL ? root : "");
  if (world == NULL || world->root == NULL) {
    free(world);
    return fr__fail_memory(err, "what the meter reads");
  }
  *out = world;
  return FR_OK;
}

enum fr_status fr__world_new_replay(const char *folder, fr__world **out, fr_error *err) {
  fr__world *world = NULL;
  enum fr_status status = fr__world_new(folder, &world, err);
  if (status != FR_OK)
    return status;
  world->replay = true;
  status = fr__recording_load(folder, &world->recording, err);
  if (status == FR_OK)
    *out = world;
  else
    fr__world_free(world);
  return status;
}

void fr__world_free(fr__world *world) {
  if (world == NULL)
    return;
  fr__recording_release(&world->recording);
  for (size_t i = 0; i < world->touches; i++)
    free(world->touch[i].path);
  free(world->touch);
  free(world->root);
  free(world);
}

bool fr__world_is_here(const fr__world *world) { return world->root[0] == '\0'; }
bool fr__world_is_replay(const fr__world *world) { return world->replay; }
const char *fr__world_root(const fr__world *world) { return world->root; }

/* ---- clocks ---- */

static uint64_t clock_of(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0)
    clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t fr__world_ns(const fr__world *world) {
  return world->replay ? world->recording.now_ns : clock_of(CLOCK_BOOTTIME);
}

/* The two clocks are read one after the other: a little between them is no sleep. */
static void note_sleep(fr__world *world) {
  const uint64_t awake_ns = clock_of(CLOCK_MONOTONIC);
  const uint64_t asleep_ns = clock_of(CLOCK_BOOTTIME) - awake_ns;
  if (asleep_ns > world->asleep_ns + NAP_NS)
    world->asleep_ns = asleep_ns;
}

void fr__world_clocks(fr__world *world, uint64_t *t_ns, uint64_t *awake_ns) {
  *t_ns = fr__world_ns(world);
  if (world->replay) {
    *awake_ns = *t_ns - fr__recording_asleep_ns(&world->recording, *t_ns);
    return;
  }
  note_sleep(world);
  *awake_ns = *t_ns > world->asleep_ns ? *t_ns - world->asleep_ns : 0;
}

bool fr__world_move(fr__world *world, uint64_t t_ns) {
  return world->replay && fr__recording_move(&world->recording, t_ns);
}

uint64_t fr__world_end_ns(const fr__world *world) { return world->recording.end_ns; }

uint64_t fr__world_next_ns(const fr__world *world) {
  const fr__recording *r = &world->recording;
  return r->at < r->count ? r->row[r->at].t_ns : UINT64_MAX;
}

void fr__world_rewind(fr__world *world) {
  if (world->replay)
    fr__recording_rewind(&world->recording);
}

size_t fr__world_jumps(const fr__world *world) { return world->recording.jumps; }

/* ---- notes ---- */

void fr__world_note(fr__world *world) { world->noting = true; }

size_t fr__world_touches(const fr__world *world, const fr__touch **out) {
  *out = world->touch;
  return world->touches;
}

static fr__touch *touch_of(fr__world *world, const char *path) {
  for (size_t i = 0; i < world->touches; i++) {
    if (strcmp(world->touch[i].path, path) == 0)
      return &world->touch[i];
  }
  if (world->touches == world->touch_capacity) {
    const size_t capacity = world->touch_capacity == 0 ? 64 : 2 * world->touch_capacity;
    fr__touch *grown =
        capacity <= FR__TOUCHES ? realloc(world->touch, capacity * sizeof *grown) : NULL;
    if (grown == NULL)
      return NULL;
    world->touch = grown;
    world->touch_capacity = capacity;
  }
  char *copy = strdup(path);
  if (copy == NULL)
    return NULL;
  world->touch[world->touches] = (fr__touch){.path = copy};
  return &world->touch[world->touches++];
}

static void note(fr__world *world, const char *path, fr__channel *channel, int error) {
  fr__touch *touch = world->noting ? touch_of(world, path) : NULL;
  if (touch == NULL)
    return;
  touch->channel = channel;
  touch->error = error;
}

/* A register of "/dev/cpu/N/msr" is a path of its own. */
static void note_register(fr__channel *channel, uint64_t offset) {
  unsigned cpu;
  char path[64];
  if (channel->path == NULL || sscanf(channel->path, "/dev/cpu/%u/msr", &cpu) != 1)
    return;
  snprintf(path, sizeof path, "msr:%u:0x%llx", cpu, (unsigned long long)offset);
  fr__touch *touch = touch_of(channel->world, path);
  if (touch != NULL)
    *touch = (fr__touch){
        .path = touch->path, .channel = channel, .offset = offset, .raw = true};
}

static void forget(fr__channel *channel) {
  fr__world *world = channel->path != NULL ? channel->world : NULL;
  for (size_t i = 0; world != NULL && i < world->touches; i++) {
    if (world->touch[i].channel == channel)
      world->touch[i].channel = NULL;
  }
}

static fr__channel *channel_new(fr__world *world, const char *path, int fd) {
  fr__channel *channel = malloc(sizeof *channel);
  char *copy = world->noting ? strdup(path) : NULL;
  if (channel == NULL || (world->noting && copy == NULL)) {
    free(channel);
    free(copy);
    return NULL;
  }
  *channel = (fr__channel){.world = world, .path = copy, .fd = fd};
  note(world, path, channel, 0);
  return channel;
}

/* ---- channels ---- */

static int path_of(const fr__world *world, const char *path, char out[PATH_CEILING]) {
  const char *between = path[0] == '/' || world->root[0] == '\0' ? "" : "/";
  const int length = snprintf(out, PATH_CEILING, "%s%s%s", world->root, between, path);
  return length >= 0 && length < PATH_CEILING ? 0 : ENAMETOOLONG;
}

static bool is_virtual(const char *path) {
  return strncmp(path, "perf:", 5) == 0 || strncmp(path, "msr:", 4) == 0 ||
         strncmp(path, "nvml:", 5) == 0;
}

/* A pipe would wait for ever, here and in somebody's recording. */
static int open_file(const fr__world *world, const char *path, int *out) {
  char name[PATH_CEILING];
  const int failed = is_virtual(path) ? ENOENT : path_of(world, path, name);
  if (failed != 0)
    return failed;
  const int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return errno;
  struct stat s;
  const bool fit = fstat(fd, &s) == 0 &&
                   (S_ISREG(s.st_mode) || (S_ISCHR(s.st_mode) && !world->replay));
  if (!fit) {
    close(fd);
    return EINVAL;
  }
  *out = fd;
  return 0;
}

/* What fails here fails as it would on the machine; other errors come with the reading.
 */
static bool fails_at_opening(int error) {
  return error == EACCES || error == EPERM || error == ENOENT;
}

int fr__world_open(fr__world *world, const char *path, fr__channel **out) {
  const fr__item *item =
      world->replay ? fr__recording_find(&world->recording, path) : NULL;
  if (item != NULL && fails_at_opening(item->error))
    return item->error;
  int fd = -1;
  const int failed = open_file(world, path, &fd);
  if (failed != 0 && (item == NULL || (item->value == NULL && item->error == 0))) {
    note(world, path, NULL, failed);
    return failed;
  }
  fr__channel *channel = channel_new(world, path, fd);
  if (channel == NULL) {
    if (fd >= 0)
      close(fd);
    return ENOMEM;
  }
  channel->item = item;
  *out = channel;
  return 0;
}

int fr__world_adopt(fr__world *world, const char *path, int fd, fr__channel **out) {
  if (!fr__world_is_here(world))
    return ENOTSUP;
  fr__channel *channel = channel_new(world, path, fd);
  if (channel == NULL)
    return ENOMEM;
  channel->adopted = true;
  for (size_t i = 0; i < world->touches; i++)
    world->touch[i].raw |= world->touch[i].channel == channel;
  *out = channel;
  return 0;
}

void fr__channel_close(fr__channel *channel) {
  if (channel == NULL)
    return;
  forget(channel);
  if (channel->fd >= 0)
    close(channel->fd);
  free(channel->path);
  free(channel);
}

static int read_at(const fr__channel *channel, void *to, size_t size, uint64_t offset,
                   size_t *got) {
  ssize_t n;
  if (channel->fd < 0)
    return ENOENT;
  do
    n = channel->adopted ? read(channel->fd, to, size)
                         : pread(channel->fd, to, size, (off_t)offset);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno;
  *got = (size_t)n;
  return 0;
}

int fr__channel_text(fr__channel *channel, char *text, size_t size) {
  const fr__item *item = channel->item;
  if (item != NULL && item->error != 0)
    return item->error;
  if (item != NULL && item->value != NULL) {
    snprintf(text, size, "%s", item->value);
    return 0;
  }
  size_t got = 0;
  const int failed = read_at(channel, text, size - 1, 0, &got);
  if (failed == 0)
    text[got] = '\0';
  return failed;
}

int fr__channel_u64(fr__channel *channel, uint64_t *out) {
  char text[FR__SYSFS_TEXT];
  const int failed = fr__channel_text(channel, text, sizeof text);
  if (failed != 0)
    return failed;
  text[strcspn(text, "\r\n")] = '\0';
  return fr__sysfs_parse_u64(text, out);
}

int fr__channel_raw(fr__channel *channel, uint64_t offset, uint64_t *out) {
  const fr__item *item = channel->item;
  if (item != NULL && (item->error != 0 || item->value != NULL))
    return fr__channel_u64(channel, out);
  note_register(channel, offset);
  uint64_t value;
  size_t got = 0;
  const int failed = read_at(channel, &value, sizeof value, offset, &got);
  if (failed != 0)
    return failed;
  if (got != sizeof value)
    return EIO;
  *out = value;
  return 0;
}

/* ---- once ---- */

int fr__world_text(fr__world *world, const char *path, char *text, size_t size) {
  fr__channel *channel = NULL;
  int failed = fr__world_open(world, path, &channel);
  if (failed == 0)
    failed = fr__channel_text(channel, text, size);
  fr__channel_close(channel);
  if (failed == 0)
    text[strcspn(text, "\r\n")] = '\0';
  return failed;
}

int fr__world_u64(fr__world *world, const char *path, uint64_t *out) {
  fr__channel *channel = NULL;
  int failed = fr__world_open(world, path, &channel);
  if (failed == 0)
    failed = fr__channel_u64(channel, out);
  fr__channel_close(channel);
  return failed;
}

static int is_name(const struct dirent *entry) { return entry->d_name[0] != '.'; }

int fr__world_list(fr__world *world, const char *directory,
                   bool (*each)(void *self, const char *name), void *self) {
  char path[PATH_CEILING];
  const int failed = path_of(world, directory, path);
  if (failed != 0)
    return failed;
  struct dirent **entry = NULL;
  const int found = scandir(path, &entry, is_name, alphasort);
  if (found < 0)
    return errno;
  bool more = true;
  for (int i = 0; i < found; i++) {
    more = more && each(self, entry[i]->d_name);
    free(entry[i]);
  }
  free(entry);
  return 0;
}
