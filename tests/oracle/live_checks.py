"""Whether a scenario of live.py came about, and whether the tool saw what ss and nstat saw.

Every check gives sentences about what is wrong; none means that all is well.
"""
import json
import re

import live_scenarios
from live_truth import QUEUE_COUNTERS


def plain(text):
    """For a terminal: what could move its cursor is written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


# ---------------------------------------------------------------- the scenario itself


def reached(result):
    known, before, after = result["known"], result["before"], result["after"]
    wrong = []
    for name in known["namespaces"]:
        wrong += counted(name, known, before[name]["counters"], after[name]["counters"])
    for want in known["sockets"]:
        for when, look in (("before", before), ("after", after)):
            wrong += stood(want, look[want["namespace"]]["sockets"], when, known)
    for port, (least, most) in known.get("half_open", {}).items():
        for when, look in (("before", before), ("after", after)):
            count = look["host"]["half_open"].get(port, {"count": 0})["count"]
            if not least <= count <= most:
                wrong.append("%s: %d half-open at port %s, not %d to %d" % (when, count, port, least, most))
    for key, value in known.get("sysctls", {}).items():
        if after["host"]["sysctls"][key] != value:
            wrong.append("%s is %s, not %s" % (key, after["host"]["sysctls"][key], value))
    if known.get("fleeting"):
        wrong += fled(*({row["inode"] for row in look["host"]["sockets"]} for look in (before, after)))
    return wrong


def fled(before, after):
    return [] if before - after and after - before else ["the sockets are the same before and after"]


def counted(name, known, before, after):
    wrong = []
    moves, since = known["moves"].get(name, []), known["counted"].get(name, [])
    for counter in moves:
        if after[counter] <= before[counter]:
            wrong.append("%s: %s has not moved from %d" % (name, counter, after[counter]))
    # Where nobody connects, no connection may come about either.
    still = QUEUE_COUNTERS + ([] if any(known["moves"].values()) else ["PassiveOpens"])
    for counter in still:
        if counter not in moves and after[counter] != before[counter]:
            wrong.append("%s: %s moved from %d to %d" % (name, counter, before[counter], after[counter]))
    for counter in QUEUE_COUNTERS:
        if counter not in moves and (before[counter] > 0) != (counter in since):
            wrong.append("%s: %s is %d" % (name, counter, before[counter]))
    return wrong


def stood(want, rows, when, known):
    there = [row for row in rows if row["address"] == want["address"]]
    wavers = want["address"] in known.get("wavers", [])
    limits = {row["limit"] for row in there}
    queued = sorted(row["queued"] for row in there)
    wanted = want["queued"] if isinstance(want["queued"], list) else [want["queued"]] * want["count"]
    if len(there) == want["count"] and limits == {want["limit"]} and (wavers or queued == wanted):
        return []
    return ["%s: %s in %s has limits %s and queues %s, not %s"
            % (when, want["address"], want["namespace"], sorted(limits), queued, want)]


# ---------------------------------------------------------------- the tool


def compared(result, scenario):
    try:
        document = json.loads(result["printed"].encode("latin-1").decode())
    except ValueError as error:
        return ["exit code %s, %s: %s" % (result["code"], error, result["complained"])]
    running = document["running"]
    wrong = [] if result["code"] in (0, 1) else ["exit code %s" % result["code"]]
    wrong += controlled(result.get("human", ""))
    names = {}
    for name, look in result["after"].items():
        ours = [row for row in running["namespaces"] if row["inode"] == look["inode"]]
        if len(ours) != 1:
            wrong.append("%s: %d namespaces have its inode" % (name, len(ours)))
            continue
        names[name] = ours[0]["name"]
        wrong += same_namespace(name, ours[0], result)
    wrong += [line for name in names for line in same_sockets(name, names[name], running, result)]
    wrong += too_fast(document["findings"], running["window"], result)
    return wrong + same_findings(document["findings"], scenario, result["known"].get("says", {})) + blind(running, result)


def controlled(text):
    """What JSON must not hold its reader would have refused; here the old 8-bit controls count too."""
    found = sorted({c for c in text if c < " " and c != "\n" or "\x7f" <= c <= "\x9f"})
    return ["the text holds control characters: %r" % found] if found else []


def too_fast(findings, window, result):
    """A rate that the words tell of is at most that of ListenDrops: a socket's own count is not one of
    attempts, it goes up by two for a final ACK."""
    wrong = []
    before, after = (sum(look["counters"]["ListenDrops"] for look in result[when].values())
                     for when in ("before", "after"))
    most = (after - before) / window
    for finding in findings:
        told = re.search(r"([\d,.]+) a second", finding["message"])
        if finding["rule"] == "overflowing" and told and float(told.group(1).replace(",", "")) > most + 1:
            wrong.append("%s, but ListenDrops moved by %.1f a second" % (finding["message"], most))
    return wrong


def blind(running, result):
    """Who may not see everything has to say so."""
    partial = "user" in result["known"]
    return ["nothing is said to be unseen"] if partial and not running["unseen"] else []


def same_namespace(name, ours, result):
    wrong, before, after = [], result["before"][name], result["after"][name]
    if not name.startswith("net:[") and ours["name"] != name:
        wrong.append("%s: called %s" % (name, ours["name"]))
    for key, value in after["sysctls"].items():
        if ours["sysctls"].get(key) != value:
            wrong.append("%s: %s is %s, not %d" % (name, key, ours["sysctls"].get(key), value))
    for counter, most in after["counters"].items():
        least, seen = before["counters"][counter], ours["counters"].get(counter)
        moved = ours["moved"].get(counter)
        if seen is None or not least <= seen <= most:
            wrong.append("%s: %s is %s, not %d to %d" % (name, counter, seen, least, most))
        if moved is None or not 0 <= moved <= most - least:
            wrong.append("%s: %s moved by %s, not up to %d" % (name, counter, moved, most - least))
        if counter in result["known"]["moves"].get(name, []) and not moved:
            wrong.append("%s: %s is said to stand still" % (name, counter))
    return wrong


def same_sockets(name, called, running, result):
    """Those that were there before and after: of others nothing is known."""
    wrong, before, after = [], result["before"][name], result["after"][name]
    rows = [row for row in running["sockets"] if row["namespace"] == called]
    ours = {row["inode"]: row for row in rows}
    twice = {row["address"] for row in rows if row is not ours[row["inode"]]}
    wrong += ["%s: %s: one socket is listed twice" % (name, address) for address in sorted(twice)]
    earlier = {row["inode"]: row for row in before["sockets"]}
    for row in after["sockets"]:
        first, own = earlier.get(row["inode"]), ours.get(row["inode"])
        if first is None:
            continue
        if own is None:
            wrong.append("%s: %s is missing" % (name, row["address"]))
            continue
        wrong += ["%s: %s: %s" % (name, row["address"], why) for why in unlike(first, row, own, result)]
        if row["transport"] == "tcp":
            wrong += half_open(name, row["address"], own, result)
    if not result["known"].get("fleeting"):
        extra = set(ours) - set(earlier) - {row["inode"] for row in after["sockets"]}
        wrong += ["%s: %s: not known to ss" % (name, ours[inode]["address"]) for inode in extra]
    return wrong


def unlike(before, after, own, result):
    wrong = []
    wavers = after["address"] in result["known"].get("wavers", [])
    least, most = sorted((before["queued"], after["queued"]))
    if own["address"] != after["address"]:
        wrong.append("its address is %r" % own["address"])
    if own["limit"] != after["limit"]:
        wrong.append("its limit is %d, not %d" % (own["limit"], after["limit"]))
    if not wavers and not least <= own["queued"] <= most:
        wrong.append("%d wait, not %d to %d" % (own["queued"], least, most))
    if own["peak"] < own["queued"] or not wavers and own["peak"] > most:
        wrong.append("its peak is %d, but %d wait" % (own["peak"], most))
    if own.get("mptcp", False) != after.get("mptcp", False):
        wrong.append("its mptcp is %s" % own.get("mptcp", False))
    if after["transport"] == "tcp":
        wrong += dropped(before["drops"], after["drops"], own)
    return wrong + owned(after, own)


def dropped(before, after, own):
    wrong = []
    if own["drops"] is not None and not before <= own["drops"] <= after:
        wrong.append("it dropped %s, not %d to %d" % (own["drops"], before, after))
    if own["dropped"] is not None and not 0 <= own["dropped"] <= after - before:
        wrong.append("it dropped %s meanwhile, not up to %d" % (own["dropped"], after - before))
    if after > before and own["drops"] is None:
        wrong.append("its drops are not told")
    return wrong


def owned(row, own):
    by_pid = {owner["pid"]: owner["name"] for owner in row["owners"]}
    owner = own["owner"]
    if not by_pid:
        return []
    if owner is None or owner["pid"] not in by_pid:
        return ["its owner is %s, not one of %s" % (owner, by_pid)]
    if owner["name"] != by_pid[owner["pid"]]:
        return ["its owner is called %r, not %r" % (owner["name"], by_pid[owner["pid"]])]
    return []


def half_open(name, address, own, result):
    port = address.rsplit(":", 1)[1]
    none = {"count": 0, "retried": 0, "peers": 0}
    looks = [result[when][name]["half_open"].get(port, none) for when in ("before", "after")]
    wrong, known = [], result["known"].get("half_open", {}).get(port)
    for what in ("count", "peers", "retried"):
        least, most = sorted(look[what] for look in looks)
        if known:  # they come and go; which of them were sent again is not known
            least, most = 0 if what == "retried" else min(least, known[0]), max(most, known[1])
        if not least <= own["half_open"][what] <= most:
            wrong.append("%s: %s: half-open %s %d, not %d to %d"
                         % (name, address, what, own["half_open"][what], least, most))
    return wrong


def same_findings(findings, scenario, says):
    rules = {finding["rule"] for finding in findings}
    wrong = ["no finding of %s" % rule for rule in sorted(scenario.expects - rules)]
    wrong += ["%s: %s" % (finding["rule"], finding["message"]) for finding in findings
              if says.get(finding["rule"], "") not in finding["message"]]
    return wrong + ["%s: %s" % (finding["rule"], finding["message"]) for finding in findings
                    if finding["rule"] in live_scenarios.ALARMS - scenario.allows]
