#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The law of the house (docs/rooms.md): which room's headers each room may include. TAP.
set -u
cd "$1" || exit 1

allowed() {
  case $1 in
    base) echo base ;;
    kern) echo base kern ;;
    nn) echo base kern nn int8 scheme stream ;;
    data) echo base data keypoints ;;
    meter) echo base meter power processes calibration ;;
    carbon) echo base carbon intensity region forecast plan footprint ;;
    store) echo base store ;;
    model) echo base nn int8 scheme data keypoints model export ;;
    recognize) echo base nn int8 scheme stream data keypoints model recognize ;;
    train) echo base nn data model train ;;
    events) echo base events ;;
    adapt) echo base nn int8 scheme data model train adapt extend prune quantize ;;
    study) echo base nn data model train adapt extend prune quantize scheme meter power processes calibration carbon intensity region forecast plan footprint store study advise ;;
    report) echo base store report picture ;;
    serve | cli) echo '*' ;;
  esac
}

set -f
number=0
status=0
rooms="base kern nn data meter carbon store model recognize train events adapt study report serve cli"
echo "1..16"
for room in $rooms; do
  number=$((number + 1))
  bad=""
  files=$(find "src/$room" -name '*.[ch]')
  [ -f "include/frugal/$room.h" ] && files="$files include/frugal/$room.h"
  if [ -n "$files" ]; then
    seen=$(sed -n 's|^ *# *include "\(frugal/\)\{0,1\}\([a-z0-9]*\)[./].*|\2|p' $files | sort -u)
    for other in $seen; do
      case " $(allowed "$room") " in
        *" $other "* | *' * '*) ;;
        *) bad="$bad $other" ;;
      esac
    done
  fi
  if [ -n "$bad" ]; then
    echo "not ok $number - $room includes$bad"
    status=1
  else
    echo "ok $number - $room"
  fi
done
exit $status
