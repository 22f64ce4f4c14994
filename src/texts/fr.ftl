# What the terminal dashboard says, in French; en.ftl explains the widths.

decimal-mark = ,

banner-refer = RÉFÉRER
banner-clear = NÉGATIF
banner-ungradable = NON ÉVALUABLE
banner-fault = DÉFAUT
banner-ready = PRÊT

verdict-refer = référer
verdict-clear = négatif
verdict-ungradable = non évaluable

reason-blank = l'image est noire ou vide : vérifiez la sonde, le gel et le gain
reason-no-sector = aucun secteur échographique dans l'image : vérifiez la source
reason-noise = du bruit au lieu d'échos : vérifiez le câble et le contact de la sonde
reason-frozen = l'image ne bouge pas : désactivez le gel d'image de l'échographe
reason-unfamiliar = image inconnue du modèle : vérifiez le type d'examen et la sonde
reason-too-little-evidence = trop peu d'images exploitables jusqu'ici
reason-uncertain = l'image se situe entre négatif et référer

flaw-blank = vide
flaw-no-sector = sans secteur
flaw-noise = bruit
flaw-frozen = figée
flaw-unfamiliar = inconnue

state-idle = en attente
state-scanning = en cours
state-held = retenu
state-ended = terminé
exam = examen { $number } { $state }
no-exam = pas encore d'examen
press-start = appuyez sur espace pour commencer un examen

fault-no-signal = aucun signal : vérifiez le câble et l'échographe
fault-source-failed = échec de la source : vérifiez-la et relancez Sonolamp
fault-model-failed = échec du modèle sur une image : relancez Sonolamp

demo = DÉMO
notice = n'est pas un dispositif médical
too-small = Sonolamp demande au moins { $width } × { $height } caractères

key-space = espace
key-start = commencer
key-hold = retenir
key-end = terminer
key-new = nouveau
key-picture = image
key-map = carte
key-outline = contour
key-large = grand
key-normal = normal
key-quit = quitter

picture-hidden = image masquée
legend-for = en faveur de référer
legend-against = contre

fact-evidence = données
fact-picture = image
fact-speed = cadence
fact-latency = latence
fact-frames = images
fact-bundle = modèle
fact-lamps = voyants
single-pictures = chaque image séparément
gathered = { $usable } sur { $seen } s, min. { $needed } s
usable = exploitable
not-judged = non évaluée
masked = { $picture }, { $percent } % masqué
speed = { $frames } images/s
latency = { $median } ms p50, { $slow } ms p99
frames = { $captured } reçues, { $dropped } perdues

lamp-refer = référer
lamp-clear = négatif
lamp-attention = alerte

title-history = prob. de référer, { $seconds } dernières s
title-log = journal

event-fault = défaut : { $words }
event-fault-over = le défaut est levé
event-source-ended = la source est terminée
event-reason = { $verdict } : { $reason }

term-regular = normal
term-normal = normal
term-pathologic = anormal
term-benign = bénin
term-malignant = malin
term-lesion = lésion
term-cause = cause
term-findings = signes
term-pneumonia = pneumonie
term-covid-19 = COVID-19
term-a-lines = lignes A
term-b-lines = lignes B
term-consolidation = consolidation
term-effusion = épanchement
