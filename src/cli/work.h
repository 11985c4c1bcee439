/* SPDX-License-Identifier: Apache-2.0 */
/* What train, test and transfer do before and after their own part: read and prepare
 * data, test, measure, save. */
#ifndef FR_CLI_WORK_H
#define FR_CLI_WORK_H

#include "cli/session.h"
#include "frugal/quantize.h"

typedef struct cli_work {
  char *spec; /* of the data, where options or a model say more than the user's; owned */
  const fr_model *like; /* to be set before cli_work_open: whose features of key points
                           data is read as, where no model is given; NULL: none */
  fr_dataset *data;
  fr_prepared prepared;
  enum fr_task task;
  const char *split; /* as it was told, or the data set's own */
  size_t fold;       /* the first is 0 */
  uint64_t seed;
} cli_work;

/* What `spec` names; the caller's. Phase: read. */
enum fr_status cli_work_read(cli_session *session, const char *spec, fr_dataset **out,
                             fr_error *err);

/* Reads `input->data`, unless work->data is there already, and prepares it; with `model`,
 * with its normaliser and, where the task is the model's own, its classes (none: the
 * data's). `input`'s unset fields are filled from the model.
 */
enum fr_status cli_work_open(cli_work *work, cli_session *session, cli_input *input,
                             uint64_t seed, const fr_model *model, fr_error *err);
/* Options of `input` that the user left out become the model's. */
void cli_work_fill(cli_input *input, const fr_model *model);
/* `input->data` becomes what --parts says of key points, and else what `like` (may be
 * NULL) takes; for who reads data before cli_work_open, which does it too. */
enum fr_status cli_work_frames(cli_work *work, cli_input *input, const fr_model *like,
                               fr_error *err);
void cli_work_release(cli_work *work);

/* Tests `net` (or what runs in its place; NULL: nothing does) on the test side and fills
 * the metrics, and `test`: its energy per 1,000. */
enum fr_status cli_work_test(cli_work *work, cli_session *session,
                             const fr_loss_options *loss, size_t batch, fr_net *net,
                             fr_quantized *q, const fr_names *classes, fr_error *err);

/* What the model has cost so far, this run last, as JSON; the caller's (free). */
char *cli_work_provenance(const cli_session *session);
/* Writes the model with what it has cost, the session being measured. */
enum fr_status cli_work_save(cli_work *work, cli_session *session, const cli_input *input,
                             uint64_t seed, fr_net *net, const char *path, fr_error *err);

/* Tests `net` on the test side (on the validation side, where the test side is to stay
 * closed), measures, fills the result, and saves the model where one is asked for. */
enum fr_status cli_work_finish(cli_work *work, cli_session *session,
                               const cli_input *input, const cli_training *training,
                               fr_net *net, fr_error *err);

#endif
