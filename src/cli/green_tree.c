/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/green_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 16, PROCESSES = 65536 };

typedef struct process {
  pid_t pid, parent, group;
  bool ours;
} process;

typedef struct list {
  process *row; /* (count) owned */
  size_t count, room;
} list;

bool cli_tree_adopt(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0; }

/* "12 (a name) S 1 12 12 …" of /proc/PID/stat, proc(5): the name may hold any bytes, and
 * ends at the last bracket. */
static bool read_stat(const char *name, process *out) {
  char path[64], text[1024];
  long parent, group;
  (void)snprintf(path, sizeof path, "/proc/%.20s/stat", name);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0)
    return false;
  text[got] = '\0';
  const char *rest = strrchr(text, ')');
  if (rest == NULL || sscanf(rest + 1, " %*c %ld %ld", &parent, &group) != 2)
    return false;
  *out = (process){(pid_t)atol(name), (pid_t)parent, (pid_t)group, false};
  return true;
}

static bool add(list *all, const process *one) {
  if (all->count == all->room) {
    const size_t room = all->room > 0 ? 2 * all->room : 256;
    process *grown = room <= PROCESSES ? realloc(all->row, room * sizeof *grown) : NULL;
    if (grown == NULL)
      return false;
    all->row = grown;
    all->room = room;
  }
  all->row[all->count++] = *one;
  return true;
}

static list read_all(void) {
  list all = {0};
  process one;
  DIR *folder = opendir("/proc");
  if (folder == NULL)
    return all;
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
        read_stat(entry->d_name, &one) && !add(&all, &one))
      break;
  closedir(folder);
  return all;
}

static bool has_our_parent(const list *all, const process *one, pid_t self) {
  if (one->parent == self)
    return true;
  for (size_t i = 0; i < all->count; i++)
    if (all->row[i].pid == one->parent)
      return all->row[i].ours;
  return false;
}

/* A parent may stand behind its child, where pids have wrapped. */
static void mark_descendants(list *all, pid_t self, pid_t spare) {
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < all->count; i++) {
      process *one = &all->row[i];
      if (!one->ours && one->pid != spare && has_our_parent(all, one, self))
        one->ours = more = true;
    }
  }
}

/* Whether it was not stopped before. */
static bool stop_group(cli_tree *tree, pid_t group) {
  for (size_t i = 0; i < tree->count; i++)
    if (tree->group[i] == group)
      return false;
  if (group <= 1 || tree->count == CLI_TREE_GROUPS)
    return false;
  tree->group[tree->count++] = group;
  kill(-group, SIGSTOP);
  return true;
}

static bool stop_more(cli_tree *tree, pid_t spare) {
  bool more = false;
  list all = read_all();
  mark_descendants(&all, getpid(), spare);
  for (size_t i = 0; i < all.count; i++)
    if (all.row[i].ours && all.row[i].group != getpgrp())
      more = stop_group(tree, all.row[i].group) || more;
  free(all.row);
  return more;
}

void cli_tree_stop(cli_tree *tree, pid_t first, pid_t spare) {
  tree->count = 0;
  (void)stop_group(tree, first);
  for (int round = 0; round < ROUNDS && stop_more(tree, spare); round++)
    ;
}

void cli_tree_continue(const cli_tree *tree, int number) {
  for (size_t i = 0; number != 0 && i < tree->count; i++)
    kill(-tree->group[i], number);
  for (size_t i = 0; i < tree->count; i++)
    kill(-tree->group[i], SIGCONT);
}

void cli_tree_reap(pid_t but) {
  siginfo_t info = {0};
  while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0 &&
         info.si_pid != but) {
    (void)waitpid(info.si_pid, NULL, WNOHANG);
    info = (siginfo_t){0};
  }
}
