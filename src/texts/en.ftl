# What the terminal dashboard says. The four files have the same keys and variables.
# Widths are in columns of a terminal; a Chinese character takes two.

decimal-mark = .

# The verdict in large letters: at most 10 columns are large on a small terminal.
banner-refer = REFER
banner-clear = CLEAR
banner-ungradable = UNGRADABLE
banner-fault = FAULT
banner-ready = READY

verdict-refer = refer
verdict-clear = clear
verdict-ungradable = ungradable

# Why there is no gradable verdict, and the next step.
reason-blank = the picture is black or empty: check probe, gel and gain
reason-no-sector = no ultrasound sector in the picture: check the source
reason-noise = noise instead of echo: check cable and probe contact
reason-frozen = the picture does not move: unfreeze the machine
reason-unfamiliar = the picture is unlike those the model knows: check exam type and probe
reason-too-little-evidence = too little usable picture so far
reason-uncertain = the picture is between clear and refer

# What is wrong with the latest frame, at most 12 columns.
flaw-blank = blank
flaw-no-sector = no-sector
flaw-noise = noise
flaw-frozen = frozen
flaw-unfamiliar = unfamiliar

state-idle = idle
state-scanning = scanning
state-held = held
state-ended = ended
exam = exam { $number } { $state }
no-exam = no exam yet
press-start = press space to start an exam

# A fault and what to do about it, where the technical message is not in the operator's language.
fault-no-signal = no signal: check the cable and the machine
fault-source-failed = the source failed: check it and start Sonolamp again
fault-model-failed = the model failed on a picture: start Sonolamp again

demo = DEMO
notice = not a medical device
too-small = Sonolamp needs at least { $width } × { $height } characters

# Keys on the bottom line, 80 columns together.
key-space = space
key-start = start exam
key-hold = hold
key-end = end exam
key-new = new exam
key-picture = picture
key-map = map
key-outline = outline
key-large = large
key-normal = normal
key-quit = quit

picture-hidden = picture hidden
legend-for = speaks for refer
legend-against = against

# Names of facts, at most 10 columns; what stands beside them, at most 29.
fact-evidence = evidence
fact-picture = picture
fact-speed = speed
fact-latency = latency
fact-frames = frames
fact-bundle = bundle
fact-lamps = lamps
single-pictures = each picture by itself
gathered = { $usable } of { $seen } s, needs { $needed } s
usable = usable
not-judged = not judged now
masked = { $picture }, { $percent } % masked
speed = { $frames } frames/s
latency = { $median } ms p50, { $slow } ms p99
frames = { $captured } captured, { $dropped } dropped

# Names of lamps, at most 20 columns together.
lamp-refer = refer
lamp-clear = clear
lamp-attention = attention

# Titles, at most 37 columns.
title-history = probability of refer, last { $seconds } s
title-log = log

event-fault = fault: { $words }
event-fault-over = fault is over
event-source-ended = the source has ended
event-reason = { $verdict }: { $reason }

# Words of bundles: classes, heads and their labels.
term-regular = regular
term-normal = normal
term-pathologic = pathologic
term-benign = benign
term-malignant = malignant
term-lesion = lesion
term-cause = cause
term-findings = findings
term-pneumonia = pneumonia
term-covid-19 = COVID-19
term-a-lines = A-lines
term-b-lines = B-lines
term-consolidation = consolidation
term-effusion = effusion
