# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Tables of benchmarks, from lines WORK<tab>WHICH<tab>VALUE, of which WHICH is "ours" or
# the name of a peer. A number that is less is better.

# make_table NAME UNITS-AND-GOALS: bench/out/NAME.json from NAME.raw: medians, ours beside
# each peer. The second is jq's: "def unit: ...; def goal: ...;" of a WORK, where a goal
# is the highest ratio that was asked for, {PEER: RATIO} if of one peer only, or null.
# shellcheck disable=SC2154 # out is the directory, of whom sources this
make_table()
{
	jq -R -s '
		def median: sort | .[length / 2 | floor];
		'"$2"'
		[split("\n")[] | select(. != "") | split("\t")
			| {work: .[0], which: .[1], value: (.[2] | tonumber)}]
		| group_by(.work) | map(
			(.[0].work) as $work
			| (map(select(.which == "ours").value) | median) as $ours
			| map(select(.which != "ours")) | group_by(.which)[]
			| {work: $work, ours: $ours, peer: .[0].which,
			   peer_value: (map(.value) | median)}
			| .unit = (.work | unit)
			| .ratio = (.ours / .peer_value * 10000 | round / 10000)
			| .peer as $peer
			| .goal = (.work | goal
				| if type == "object" then .[$peer] else . end)
			| .met = (if .goal == null then null else .ratio <= .goal end))' \
		"$out/$1.raw" >"$out/$1.json"
	jq -r '.[] | "\(.work): \(.ours) \(.unit), \(.peer) \(.peer_value), ratio \(.ratio)" +
		(if .goal == null then "" elif .met then ", goal met"
		else ", goal \(.goal) MISSED" end)' "$out/$1.json"
}
