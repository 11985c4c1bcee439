/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/spike_users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum fr_status cli_users_init(cli_users *users, fr_error *err) {
  *users = (cli_users){.user = calloc(CLI_SPIKE_ACTORS, sizeof *users->user),
                       .sum_s = calloc((size_t)CLI_SPIKE_ACTORS / 2 * CLI_SPIKE_BINS,
                                       sizeof *users->sum_s)};
  if (users->user != NULL && users->sum_s != NULL)
    return FR_OK;
  cli_users_release(users);
  return fr__fail_memory(err, "who uses a processor");
}

void cli_users_release(cli_users *users) {
  free(users->user);
  free(users->sum_s);
  *users = (cli_users){0};
}

/* ---- what they used ---- */

static void add_bins(double *to, const cli_user *from) {
  for (size_t i = from->first; i <= from->last; i++)
    to[i] += from->use_s[i];
}

static void add_use(cli_user *user, size_t bin, double use_s) {
  if (user->total_s <= 0)
    user->first = bin;
  user->last = bin;
  user->use_s[bin] += use_s;
  user->total_s += use_s;
}

/* Of a row of several each one was short. The bin that begins at t_s[bins] is not over.
 */
static bool is_short(const cli_user *user, const double *t_s, size_t bins) {
  const size_t end = user->last < bins ? user->last + 1 : bins;
  return user->pid == 0 || user->first >= end ||
         t_s[end] - t_s[user->first] < CLI_SPIKE_SHORT_S;
}

static bool are_of_one_name(const cli_user *a, const cli_user *b) {
  return strcmp(a->name, b->name) == 0;
}

/* ---- rows ---- */

static void take_out(cli_users *users, size_t i) {
  if (i != --users->count)
    users->user[i] = users->user[users->count];
}

static void put_into(cli_user *to, const cli_user *from) {
  add_bins(to->use_s, from);
  to->pid = 0;
  to->total_s += from->total_s;
  to->first = from->first < to->first ? from->first : to->first;
  to->last = from->last > to->last ? from->last : to->last;
}

static bool is_over(const cli_user *user, const double *t_s, size_t bin) {
  return is_short(user, t_s, bin) && (user->pid == 0 || user->last < bin);
}

/* Short ones of a name that ended before `bin` become one row each name. */
static void put_together(cli_users *users, const double *t_s, size_t bin) {
  for (size_t i = 0; i < users->count; i++) {
    cli_user *const to = &users->user[i];
    for (size_t j = i + 1; is_over(to, t_s, bin) && j < users->count;) {
      const cli_user *const from = &users->user[j];
      if (are_of_one_name(to, from) && is_over(from, t_s, bin)) {
        put_into(to, from);
        take_out(users, j);
      } else
        j++;
    }
  }
}

static cli_user *find(const cli_users *users, const char *name, int64_t pid) {
  for (size_t i = 0; i < users->count; i++)
    if (users->user[i].pid == pid && strcmp(users->user[i].name, name) == 0)
      return &users->user[i];
  return NULL;
}

/* A row of nobody, or that of who used least if that is less than use_s. */
static cli_user *make_room(cli_users *users, const double *t_s, size_t bin,
                           double use_s) {
  if (users->count == CLI_SPIKE_ACTORS)
    put_together(users, t_s, bin);
  if (users->count < CLI_SPIKE_ACTORS)
    return &users->user[users->count++];
  cli_user *least = &users->user[0];
  for (size_t i = 1; i < users->count; i++)
    if (users->user[i].total_s < least->total_s)
      least = &users->user[i];
  return least->total_s < use_s ? least : NULL;
}

void cli_users_add(cli_users *users, const char *name, int64_t pid, const double *t_s,
                   size_t bin, double use_s) {
  cli_user *user = find(users, name, pid);
  if (user == NULL) {
    user = make_room(users, t_s, bin, use_s);
    if (user == NULL)
      return;
    memset(user, 0, sizeof *user);
    snprintf(user->name, sizeof user->name, "%s", name);
    user->pid = pid;
  }
  add_use(user, bin, use_s);
}

static void forget_first(cli_user *user, size_t bins) {
  const size_t rest = CLI_SPIKE_BINS - bins;
  memmove(user->use_s, user->use_s + bins, rest * sizeof *user->use_s);
  memset(user->use_s + rest, 0, bins * sizeof *user->use_s);
  user->first = user->first > bins ? user->first - bins : 0;
  user->last = user->last > bins ? user->last - bins : 0;
  user->total_s = 0;
  for (size_t j = 0; j < rest; j++)
    user->total_s += user->use_s[j];
}

void cli_users_forget(cli_users *users, size_t bins) {
  for (size_t i = 0; i < users->count;) {
    const bool gone = users->user[i].last < bins;
    if (gone)
      take_out(users, i);
    else
      forget_first(&users->user[i++], bins);
  }
}

/* ---- by name ---- */

static bool ran_between(const cli_user *user, const double *t_s, size_t bins,
                        double start_s, double end_s) {
  for (size_t i = user->first; i <= user->last && i < bins; i++)
    if (user->use_s[i] > 0 && t_s[i + 1] > start_s && t_s[i] < end_s)
      return true;
  return false;
}

/* Row i is the first of its name; *others: there are more. */
static bool is_first(const cli_users *users, size_t i, const double *t_s, size_t bins,
                     bool *others) {
  *others = false;
  for (size_t j = 0; j < users->count; j++) {
    if (j == i || !are_of_one_name(&users->user[i], &users->user[j]) ||
        !is_short(&users->user[j], t_s, bins))
      continue;
    if (j < i)
      return false;
    *others = true;
  }
  return true;
}

size_t cli_users_by_name(const cli_users *users, const double *t_s, size_t bins,
                         double start_s, double end_s, fr_actor actor[CLI_SPIKE_ACTORS]) {
  size_t actors = 0, sums = 0;
  for (size_t i = 0; i < users->count; i++) {
    const cli_user *const one = &users->user[i];
    bool others = false;
    if (is_short(one, t_s, bins) && !is_first(users, i, t_s, bins, &others))
      continue;
    fr_actor *const to = &actor[actors++];
    *to = (fr_actor){one->name, one->pid, one->use_s};
    if (!others)
      continue;
    double *const sum_s = users->sum_s + sums++ * CLI_SPIKE_BINS;
    memset(sum_s, 0, CLI_SPIKE_BINS * sizeof *sum_s);
    to->use_s = sum_s;
    to->pid = 0;
    size_t inside = 0;
    for (size_t j = i; j < users->count; j++) {
      const cli_user *const member = &users->user[j];
      if (!are_of_one_name(one, member) || !is_short(member, t_s, bins))
        continue;
      add_bins(sum_s, member);
      if (ran_between(member, t_s, bins, start_s, end_s))
        to->pid = inside++ == 0 ? member->pid : 0;
    }
  }
  return actors;
}
