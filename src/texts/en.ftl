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
reason-too-little-evidence = too little usable picture: sweep longer, slowly
reason-uncertain = between clear and refer: sweep again or ask a clinician

# What refer and clear ask for, at most two rows of 38.
next-refer = have a clinician look; r shows why
next-clear = no sign seen; symptoms count more

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
# Beside the state: how it stands with keeping the exam, at most 12 columns.
exam-keeping = { $exam }, { $keeping }
keeping-keeping = keeping...
keeping-kept = kept
keeping-failed = NOT KEPT
# Why it is not kept; without the technical words where they are not in the operator's language.
not-kept = NOT KEPT: { $words }
not-kept-look = NOT KEPT: look at the storage; the log says why
no-exam = no exam yet
press-start = press space to start an exam

# A fault and what to do about it, where the technical message is not in the operator's language.
fault-no-signal = no signal: check the cable and the machine
fault-source-failed = the source failed: check it and start Sonolamp again
fault-model-failed = the model failed on a picture: start Sonolamp again
fault-safe-mode = safe mode, nothing is screened: call the technician

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
key-live = live picture
key-frozen = frozen
key-map = map
key-outline = outline
key-large = large
key-normal = normal
key-quit = quit

# Over the picture, at most 37 columns; the legend below it, at most 39.
picture-hidden = picture hidden
picture-frozen = FROZEN: the telling picture, not live
picture-live = LIVE picture of a held exam
legend-for = speaks for refer
legend-against = against
legend-note = map: no part in the verdict

# Names of facts, at most 10 columns; what stands beside them, at most 29.
fact-evidence = evidence
fact-picture = picture
fact-speed = speed
fact-latency = latency
fact-frames = frames
fact-bundle = bundle
fact-patient = patient
fact-lamps = lamps
single-pictures = each picture by itself
gathered = { $usable } of { $seen } s, needs { $needed } s
# How much more sweep is needed, beside the ring: at most 20 columns.
sweep-on = sweep { $seconds } s more
sweep-surer = enough so far
sweep-enough = enough
sweep-short = too little: longer
# At most 29.
rests-on-window = rests on the last { $seconds } s
rests-on-exam = rests on the whole exam
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
event-kept = the exam is kept
event-not-kept = the exam is NOT KEPT: { $words }
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

# The views' tabs, 63 columns together with their numbers.
view-live = Live
view-review = Review
view-exams = Exams
view-device = Device
view-help = Help
view-zones = Zones
watching = WATCHING

key-back = live
key-help = help
key-frame = frame
key-page = 2 s
key-telling = telling
key-choose = choose
key-open = review
key-scroll = scroll
key-zone = zone
key-score = score
key-reading = reading
key-patient = new patient
key-vitals = vitals
key-patient-entry = patient
key-unlock = unlock
key-search = search
key-export = export
key-send = send
key-erase = erase
key-lock = lock
key-field = field
key-take = take
key-drop = drop

# Review; names at most 10 columns.
review-empty = Nothing has been scanned yet. What is seen in an exam is kept here for a minute.
fact-moment = time
fact-exam = exam
fact-score = score
fact-place = frame
ago = { $seconds } s ago

# The list of exams; columns of 6, 9, 9, 16, 12, 10 and 12.
exams-empty = No exam yet. Each exam since the start will stand here; Enter opens it.
exams-number = exam
exams-start = start
exams-length = length
exams-verdict = verdict
exams-score = score
exams-usable = usable
exams-state = state
exam-open = open

# The box; names at most 15 columns.
device-source = source
device-delivers = delivers
device-camera = camera
device-driver = lamp driver
device-lines = lamp lines
device-board = board
device-heat = heat
device-power = power
device-disk = storage
device-memory = memory
device-clock = clock
device-running = running for
device-bundle = bundle
device-task = made for
device-licence = licence
device-thresholds = thresholds
device-version = versions
device-update = update
unknown = not known on this machine
level-high = high
level-low = low
level-blinks = blinks
degrees = { $degrees } °C
power-good = good
power-low = too low a voltage: use a stronger supply and a short cable
power-slowed = slowed down by heat or voltage: look at fan and supply
power-earlier = good now; was too low or too hot since the start
free-of = { $free } of { $size } GB free
read-only = read-only
clock-not-set = not set: times cannot be trusted
clock-set = set
clock-kept = kept by a time server
thresholds = clear up to { $clear }, refer from { $refer }

# Help.
help-connect = Put the probe on with gel. The picture appears by itself.
help-start = Press space (or the box's button) to start the exam.
help-sweep = Sweep slowly until the ring is full: enough for a verdict.
help-hold = Press space to hold: now the verdict rests on the whole exam.
help-next = Press space to end the exam, and again for the next patient.
means-refer = The model sees signs of disease. Have a clinician look at it.
means-clear = The model sees no sign of disease. It may be wrong: symptoms count more.
means-ungradable = No verdict; the reason and the next step stand below the word.
means-fault = The box cannot work; the words say what to do.
help-key-button = start, hold, end, next: the one button
help-key-new = drop what there is and start the next exam
help-key-views = go to a view
help-key-review = look back; a held exam opens at its telling frames
help-key-move = a frame, or two seconds; rows of a list
help-key-telling = the two seconds that speak most for the verdict
help-key-map = where the model looked: a map with no part in the verdict
help-key-score = with a protocol: the zone's lung score, 0 to 3
help-key-reading = with a protocol: a clinician's own reading of the zone
help-key-vitals = with a protocol: type vital signs; a danger sign refers the patient
help-key-patient = where exams are kept: who is examined, typed, scanned or chosen
help-key-unlock = kept exams: unlock with a key or passphrase; lock again
help-key-kept = unlocked: search by name or number; export to a stick; send to the PACS; erase for good
help-key-picture = show or hide the picture
help-key-frozen = a held exam: the frozen telling picture, or the live one
help-key-large = the verdict across the whole screen
help-key-back = back to the live view
help-key-quit = leave Sonolamp
help-key-mouse = click a tab; turn the wheel to move
mouse = mouse

# What to do about the picture now, at most 29 columns.
advice-no-echo = no echo: use gel
advice-too-dark = too dark: raise the gain
advice-small-sector = picture small: enlarge it
advice-cut-sector = picture cut off: show all
advice-poor-contact = poor contact: more gel
advice-too-bright = too bright: lower gain
advice-hold-still = moving: hold still

# Vital signs; names at most 20 columns, hints at most 24, what is refused at most two rows of 54.
vitals = vital signs
vitals-hint = Leave empty what is not known.
vital-age = age
vital-spo2 = SpO2
vital-respiratory-rate = respiratory rate
vital-temperature = temperature
vital-age-hint = 34: years, 7m: months
vital-no-age = no age: whole years such as 34, or months such as 7m below one year
vital-needs-age = enter the age too: limits depend on it
vital-wrong = { $value } cannot be right: type { $least } to { $most } { $unit }
age-years = age { $years } y
age-months = age { $months } m

# Who is examined; names at most 14 columns, hints at most two rows of 54.
patient = patient
patient-number = number
patient-name = name
patient-born = born
patient-sex = sex (F, M, O)
patient-operator = operator
patient-entered = entered at the box
patient-expected = expected: { $patients }
patient-hint = Leave empty what is not known. A scanned number finds who is expected.
patient-amends = Kept exams change with it: { $exams }. For another patient press n first.
patient-no-date = no date of birth: type 1961, 1961-04 or 1961-04-30

# Kept exams on the box; the first line 78 columns together, columns of 16, 16, 5, 12, 19 and 10.
archive-locked = locked
archive-opening = unlocking...
archive-shut = locked: u and the PIN
archive-open = unlocked
archive-kept = kept: { $exams }, free: { $free } GB
archive-search = with "{ $text }"
archive-page = page { $page }
archive-full = full: no exam begins until exams are handed over and erased
archive-hint = What has been handed over may be erased.
archive-empty = No such exam is kept.
archive-unreadable = cannot be opened
archive-no-date = clock not set
archive-date = date (UTC)
archive-verdict = verdict
archive-score = score
archive-zone = zone
archive-patient = patient
archive-handed = handed
mark-exported = exported
mark-sent = sent
mark-waits = waiting
said-reading = reading the exam: { $percent } %
said-wrong-pin = wrong PIN: { $left } left before the key is forgotten
said-forgotten = the key is forgotten: unlock with it again
said-erased = the exam is erased
said-exporting = exporting the exam...
said-exported = exported to { $folder }
said-queued = to be sent
sending-reading = sending: reading the exam...
sending-going = sending: { $taken } of { $objects } objects have arrived
sending-sent = sent: { $exams }; the PACS has all of it
sending-waits = not sent yet: { $exams }, tried again while unlocked: { $why }
opened-foreign = judged by another bundle: no scores and no map here
opened-unmapped = no map: the model saw more than the kept picture

# Lines that are typed; titles at most 40 columns, hints at most three rows of 54.
ask-passphrase = passphrase
ask-passphrase-hint = The words of the passphrase, in their order.
ask-passphrase-or-stick = The words of the passphrase, in their order; Enter alone takes the key on the stick.
ask-new-pin = a PIN for this session
ask-new-pin-hint = 4 to 8 digits, which unlock again after a pause. Enter alone: none, and after a pause the key is forgotten.
ask-pin = PIN
ask-pin-hint = After three wrong ones the key is forgotten.
ask-no-pin = 4 to 8 digits
ask-search = search
ask-search-hint = A part of a name or number; Enter alone shows all.
ask-erase = erase an exam for good
ask-erase-hint = Type { $digits } and Enter: nobody can bring it back.
ask-not-confirmed = nothing is erased: the digits are others

# Danger signs by a guideline; the mark beside the tabs at most 13 columns.
danger = { $meaning }: { $sign } { $value } { $unit }, { $edge } { $limit } ({ $source })
danger-sign = DANGER SIGN
term-at-least = at least
term-above = above
term-below = below
term-fast-breathing = fast breathing
term-slow-breathing = slow breathing
term-high-body-temperature = high body temperature
term-low-body-temperature = low body temperature
term-low-oxygen-saturation = low oxygen saturation

# The body map; the patient's line 80 columns together, the legend 60.
map-open = open
map-unsure = unsure
map-score = score { $score }
map-clinician = clinician: { $reading }
map-patient = patient
map-examined = { $examined } of { $zones } zones examined
map-sum = score { $sum } ({ $scored } scored)
map-front = front
map-back = back
map-right = right
map-left = left

# Zones of the protocols that come with the program, by their names there; a number in it is n.
zone-right-upper-anterior = right upper anterior
zone-right-lower-anterior = right lower anterior
zone-right-upper-lateral = right upper lateral
zone-right-lower-lateral = right lower lateral
zone-right-basal-lateral = right basal lateral
zone-right-upper-posterior = right upper posterior
zone-right-lower-posterior = right lower posterior
zone-right-upper-blue-point = right upper BLUE-point
zone-right-lower-blue-point = right lower BLUE-point
zone-right-plaps-point = right PLAPS-point
zone-right-breast-n-o-clock = right breast, { $number } o'clock
zone-right-breast-behind-the-nipple = right breast, behind the nipple
zone-right-axilla = right axilla
zone-left-upper-anterior = left upper anterior
zone-left-lower-anterior = left lower anterior
zone-left-upper-lateral = left upper lateral
zone-left-lower-lateral = left lower lateral
zone-left-basal-lateral = left basal lateral
zone-left-upper-posterior = left upper posterior
zone-left-lower-posterior = left lower posterior
zone-left-upper-blue-point = left upper BLUE-point
zone-left-lower-blue-point = left lower BLUE-point
zone-left-plaps-point = left PLAPS-point
zone-left-breast-n-o-clock = left breast, { $number } o'clock
zone-left-breast-behind-the-nipple = left breast, behind the nipple
zone-left-axilla = left axilla

# The operator's card, a printed page.
card-title = Sonolamp: the operator’s card
card-steps = An exam, step by step
card-verdicts = What it says
card-reasons = Why it is ungradable, and what to do
card-advice = While you scan
card-lamps = Lamps
card-attention = Steady: ungradable, the reason stands on the screen. Blinking: fault.
card-dark-name = all dark
card-dark = The box does not work or shows no verdict. Do not rely on it.
card-notice = Decision support for research and training. Not a medical device: when in doubt, refer.
