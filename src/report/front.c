/* SPDX-License-Identifier: Apache-2.0 */
/* Fronts as the result tells them, and the pictures of them. */
#include "report/front.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/gnuplot.h"

#define PICTURE_CEILING ((size_t)16 << 20) /* bytes */

static const char *const axis[FR__FRONT_PANELS] = {"train", "test", "life"};

const char *fr__front_title(size_t panel) {
  static const char *const title[FR__FRONT_PANELS] = {"Training", "Testing", "A life"};
  return title[panel];
}

/* ---- reading ---- */

static fr__front_point read_point(const json_t *json) {
  fr__front_point p = {.cell = fr__json_text(json, "cell"),
                       .net = fr__json_text(json, "net"),
                       .mechanism = fr__json_text(json, "mechanism"),
                       .energy = fr__json_figure(json_object_get(json, "energy")),
                       .accuracy = fr__json_figure(json_object_get(json, "accuracy")),
                       .on_front = json_is_true(json_object_get(json, "on_front")),
                       .by = json_object_get(json, "dominated_by")};
  p.energy.known = p.energy.known && p.energy.value > 0;
  return p;
}

static void note_net(fr__front *front, const char *net) {
  for (size_t i = 0; i < front->nets; i++)
    if (strcmp(front->net[i], net) == 0)
      return;
  if (front->nets < FR__FRONT_NETS)
    front->net[front->nets++] = net;
}

static enum fr_status read_panel(const json_t *json, fr__front *front, size_t panel,
                                 fr_error *err) {
  const json_t *list = fr__json_array(json, "points");
  fr__front_panel *to = &front->panel[panel];
  if (to->point != NULL) /* told twice: the first one counts */
    return FR_OK;
  to->point = calloc(FR__FRONT_POINTS, sizeof *to->point);
  if (to->point == NULL)
    return fr__fail_memory(err, "a front");
  to->tests = json_number_value(json_object_get(json, "tests"));
  for (size_t i = 0; i < json_array_size(list) && to->points < FR__FRONT_POINTS; i++) {
    const fr__front_point p = read_point(json_array_get(list, i));
    if (!p.energy.known || !p.accuracy.known)
      continue;
    note_net(front, p.net);
    to->point[to->points++] = p;
  }
  return FR_OK;
}

static fr__front *front_of(fr__front *list, size_t *count, const json_t *json) {
  const char *data = fr__json_text(json, "data");
  for (size_t i = 0; i < *count; i++)
    if (strcmp(list[i].data, data) == 0)
      return &list[i];
  list[*count] = (fr__front){.data = data, .data_name = fr__json_text(json, "data_name")};
  return &list[(*count)++];
}

enum fr_status fr__fronts_read(const fr__result *result, fr__front **out, size_t *count,
                               fr_error *err) {
  const json_t *list = fr__json_array(result->root, "fronts");
  fr__front *front = calloc(json_array_size(list) + 1, sizeof *front);
  enum fr_status status = FR_OK;
  *out = front;
  *count = 0;
  if (front == NULL)
    return fr__fail_memory(err, "the fronts of a study");
  for (size_t i = 0; i < json_array_size(list) && status == FR_OK; i++)
    for (size_t p = 0; p < FR__FRONT_PANELS && status == FR_OK; p++)
      if (strcmp(fr__json_text(json_array_get(list, i), "of"), axis[p]) == 0)
        status = read_panel(json_array_get(list, i),
                            front_of(front, count, json_array_get(list, i)), p, err);
  return status;
}

void fr__fronts_free(fr__front *front, size_t count) {
  for (size_t i = 0; front != NULL && i < count; i++)
    for (size_t p = 0; p < FR__FRONT_PANELS; p++) {
      free(front[i].panel[p].point);
      free(front[i].svg[p]);
    }
  free(front);
}

/* ---- drawing ---- */

/* gnuplot's failure goes to front->why. */
static bool draw(fr__front *front, size_t first, size_t last, enum fr__medium medium,
                 fr__buf *picture) {
  fr__buf script;
  fr__buf_init(&script, 0);
  fr__front_script(front, first, last, medium, &script);
  front->drawn =
      script.status == FR_OK
          ? fr__gnuplot_run(fr__buf_text(&script), picture, &front->why) == FR_OK
          : fr__fail(&front->why, script.status, "a chart's script is too long") == FR_OK;
  fr__buf_release(&script);
  return front->drawn;
}

static enum fr_status draw_file(fr__front *front, enum fr__medium medium,
                                const char *directory, fr_error *err) {
  fr__buf picture;
  enum fr_status status = FR_OK;
  fr__buf_init(&picture, PICTURE_CEILING);
  if (draw(front, 0, FR__FRONT_PANELS - 1, medium, &picture))
    status = fr__chart_write(directory, front->stem, medium == FR__PNG ? "png" : "svg",
                             &picture, err);
  fr__buf_release(&picture);
  return status;
}

static void draw_panel(fr__front *front, size_t panel) {
  fr__buf picture;
  char prefix[96], title[160];
  if (front->panel[panel].points == 0)
    return;
  fr__buf_init(&picture, PICTURE_CEILING);
  snprintf(prefix, sizeof prefix, "%s-%zu-", front->stem, panel);
  snprintf(title, sizeof title, "Energy against accuracy: %s", fr__front_title(panel));
  if (draw(front, panel, panel, FR__SVG_INLINE, &picture))
    front->svg[panel] = fr__svg_inline(fr__buf_text(&picture), prefix, title);
  front->drawn = front->svg[panel] != NULL;
  fr__buf_release(&picture);
}

enum fr_status fr__front_draw(fr__front *front, const char *directory, fr_error *err) {
  enum fr_status status = draw_file(front, FR__SVG_FILE, directory, err);
  if (status == FR_OK && front->drawn)
    status = draw_file(front, FR__PNG, directory, err);
  for (size_t p = 0; status == FR_OK && front->drawn && p < FR__FRONT_PANELS; p++)
    draw_panel(front, p);
  return status;
}
