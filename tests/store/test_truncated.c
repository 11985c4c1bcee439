/* SPDX-License-Identifier: Apache-2.0 */
/* A database or a WAL that is cut off at any byte: what is whole is read or a sentence
 * says why not; nothing crashes. */
#include "place.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "../test.h"
#include "base/file.h"

enum { RUNS = 6 };

typedef struct bytes {
  char *at;
  size_t size;
} bytes;

typedef struct image {
  bytes database, wal;
} image;

static bytes read_bytes(const char *path) {
  bytes b = {0};
  ASSERT_OK(fr__file_read(path, (size_t)1 << 24, &b.at, &b.size, err));
  return b;
}

static void path_of(const place *p, const char *suffix, char path[128]) {
  snprintf(path, 128, "%s%s", p->path, suffix);
}

/* Both files as they lie while a process has them open, the rows of the last `late` runs
 * in the WAL. */
static image take(const place *p, int late) {
  image i;
  char wal[128];
  fr_store *store = place_open(p);
  for (int r = 0; r < RUNS; r++) {
    int64_t id = 0;
    ASSERT_OK(fr_store_run_begin(store, &(fr_run){0}, &id, err));
    const fr_store_sample sample = {.t_ns = 1, .power_w = 3};
    ASSERT_OK(fr_store_samples(store, id, &sample, 1, err));
    ASSERT_OK(fr_store_run_end(store, id, "done", "{}", err));
    if (r == RUNS - 1 - late) {
      sqlite3 *db = NULL;
      assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
      sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
      sqlite3_close(db);
    }
  }
  path_of(p, "-wal", wal);
  i.database = read_bytes(p->path);
  i.wal = read_bytes(wal);
  fr_store_close(store);
  return i;
}

static void lay(const char *path, const bytes *b, size_t size) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, b->at, size), (ssize_t)size);
  close(fd);
}

static bool count(void *self, const fr_run *run) {
  *(size_t *)self += strcmp(run->state, "done") == 0;
  return true;
}

/* Runs that can be read; SIZE_MAX where a sentence says that none can. */
static size_t readable(const place *p, bool writable) {
  fr_store *store = NULL;
  fr_error err = {0};
  size_t runs = 0;
  const enum fr_status status = writable ? fr_store_open(p->path, &store, &err)
                                         : fr_store_open_read(p->path, &store, &err);
  if (status == FR_OK && fr_store_runs(store, -1, count, &runs, &err) == FR_OK) {
    fr_store_power power;
    (void)fr_store_power_of(store, 1, &power, &err);
    fr_store_close(store);
    return runs;
  }
  assert_true(strstr(err.text, p->path) != NULL);
  fr_store_close(store);
  return SIZE_MAX;
}

static void release(image *i) {
  free(i->database.at);
  free(i->wal.at);
}

static void the_wal_cut_off_at_every_byte(void **state) {
  const place *p = *state;
  char wal[128], shm[128];
  image i = take(p, 2);
  size_t before = 0;
  path_of(p, "-wal", wal);
  path_of(p, "-shm", shm);
  for (size_t size = 0; size <= i.wal.size; size++) {
    const bool writable = size % 64 == 0;
    if (size == 0 || size % 64 == 1)
      lay(p->path, &i.database, i.database.size);
    lay(wal, &i.wal, size);
    remove(shm);
    const size_t runs = readable(p, writable);
    assert_true(runs != SIZE_MAX && runs >= before); /* longer never holds less */
    before = runs;
  }
  assert_true(before == RUNS && i.wal.size > 8000);
  release(&i);
}

static void the_database_cut_off_at_every_byte(void **state) {
  const place *p = *state;
  char wal[128], shm[128];
  image i = take(p, 1);
  path_of(p, "-wal", wal);
  path_of(p, "-shm", shm);
  assert_true(i.database.size > 40000);
  lay(p->path, &i.database, i.database.size);
  remove(wal);
  remove(shm);
  assert_int_equal(readable(p, false), RUNS - 1);
  for (size_t size = i.database.size; size-- > 0;) {
    assert_int_equal(truncate(p->path, (off_t)size), 0);
    (void)readable(p, false);
  }
  release(&i);
}

/* A writer repairs or refuses; it must not make a new empty store of a damaged one. */
static void a_writer_opens_a_cut_off_database(void **state) {
  const place *p = *state;
  char wal[128], shm[128];
  image i = take(p, 1);
  path_of(p, "-wal", wal);
  path_of(p, "-shm", shm);
  /* A file of one byte is an empty one to SQLite; nothing is lost by it. */
  for (size_t size = 2; size < i.database.size; size += size % 512 < 2 ? 1 : 255) {
    lay(p->path, &i.database, size);
    remove(wal);
    remove(shm);
    const size_t runs = readable(p, true);
    assert_true(runs == SIZE_MAX || runs > 0);
  }
  release(&i);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(the_wal_cut_off_at_every_byte),
      PLACE_TEST(the_database_cut_off_at_every_byte),
      PLACE_TEST(a_writer_opens_a_cut_off_database),
  };
  return cmocka_run_group_tests_name("store/truncated", tests, NULL, NULL);
}
