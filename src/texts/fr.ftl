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
reason-too-little-evidence = trop peu d'images exploitables : balayez plus longtemps, lentement
reason-uncertain = entre négatif et référer : recommencez ou demandez à un médecin

next-refer = faites voir à un médecin ; r : pourquoi
next-clear = aucun signe ; les symptômes priment

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
exam-keeping = { $exam }, { $keeping }
keeping-keeping = en cours...
keeping-kept = enregistré
keeping-failed = NON ENREG.
not-kept = NON ENREGISTRÉ : { $words }
not-kept-look = NON ENREGISTRÉ : voyez le stockage ; le journal dit pourquoi
no-exam = pas encore d'examen
press-start = appuyez sur espace pour commencer un examen

fault-no-signal = aucun signal : vérifiez le câble et l'échographe
fault-source-failed = échec de la source : vérifiez-la et relancez Sonolamp
fault-model-failed = échec du modèle sur une image : relancez Sonolamp
fault-safe-mode = mode de secours, aucun dépistage : appelez le technicien

demo = DÉMO
notice = n'est pas un dispositif médical
too-small = Sonolamp demande au moins { $width } × { $height } caractères

key-space = espace
key-start = commencer
key-hold = retenir
key-end = terminer
key-new = nouveau
key-picture = image
key-live = direct
key-frozen = image figée
key-map = carte
key-outline = contour
key-large = grand
key-normal = normal
key-quit = quitter

picture-hidden = image masquée
picture-frozen = FIGÉE : image parlante, pas le direct
picture-live = EN DIRECT ; examen retenu
legend-for = en faveur de référer
legend-against = contre
legend-note = carte : sans effet sur le résultat

fact-evidence = données
fact-picture = image
fact-speed = cadence
fact-latency = latence
fact-frames = images
fact-bundle = modèle
fact-patient = patient
fact-lamps = voyants
single-pictures = chaque image séparément
gathered = { $usable } sur { $seen } s, min. { $needed } s
sweep-on = encore { $seconds } s
sweep-surer = assez pour l'instant
sweep-enough = assez
sweep-short = trop peu : continuez
rests-on-window = sur les { $seconds } dernières s
rests-on-exam = sur tout l'examen
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
event-kept = l’examen est enregistré
event-not-kept = l’examen N’EST PAS ENREGISTRÉ : { $words }
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

# The views' tabs, 63 columns together with their numbers.
view-live = Direct
view-review = Revue
view-exams = Examens
view-device = Appareil
view-help = Aide
view-zones = Zones
watching = SUIVI SEUL

key-back = direct
key-help = aide
key-frame = image
key-page = 2 s
key-telling = parlantes
key-choose = choisir
key-open = revoir
key-scroll = défiler
key-zone = zone
key-score = score
key-reading = lecture
key-patient = patient
key-vitals = constantes
key-patient-entry = identité
key-unlock = ouvrir
key-search = chercher
key-export = exporter
key-send = envoyer
key-erase = effacer
key-lock = verrouiller
key-field = champ
key-take = valider
key-drop = abandonner

# Review; names at most 10 columns.
review-empty = Rien n’a encore été examiné. Ce qui est vu pendant un examen reste ici une minute.
fact-moment = moment
fact-exam = examen
fact-score = score
fact-place = n° image
ago = il y a { $seconds } s

# The list of exams; columns of 6, 9, 9, 16, 12, 10 and 10.
exams-empty = Aucun examen. Chaque examen depuis le démarrage figurera ici ; Entrée l’ouvre.
exams-number = examen
exams-start = début
exams-length = durée
exams-verdict = résultat
exams-score = score
exams-usable = exploit.
exams-state = état
exam-open = en cours

# The box; names at most 15 columns.
device-source = source
device-delivers = fournit
device-camera = caméra
device-driver = pilote voyants
device-lines = lignes voyants
device-board = carte
device-heat = température
device-power = alimentation
device-disk = stockage
device-memory = mémoire
device-clock = horloge
device-running = en marche
device-bundle = modèle
device-task = destiné à
device-licence = licence
device-thresholds = seuils
device-version = versions
device-update = mise à jour
unknown = inconnu sur cette machine
level-high = haut
level-low = bas
level-blinks = clignote
degrees = { $degrees } °C
power-good = bonne
power-low = tension trop basse : prenez une alimentation plus forte et un câble court
power-slowed = ralenti par la chaleur ou la tension : voyez ventilateur et alimentation
power-earlier = bonne à présent ; tension basse ou chaleur depuis le démarrage
free-of = { $free } sur { $size } Go libres
read-only = lecture seule
clock-not-set = pas à l’heure : ne vous fiez pas aux heures
clock-set = à l’heure
clock-kept = réglée par un serveur de temps
thresholds = négatif jusqu’à { $clear }, référer dès { $refer }

# Help.
help-connect = Posez la sonde avec du gel. L’image apparaît d’elle-même.
help-start = Appuyez sur espace (ou le bouton de l’appareil) pour commencer l’examen.
help-sweep = Balayez lentement jusqu’à l’anneau plein : assez pour conclure.
help-hold = Appuyez sur espace pour figer : le résultat repose alors sur tout l’examen.
help-next = Appuyez sur espace pour terminer, puis encore pour le patient suivant.
means-refer = Le modèle voit des signes de maladie. Faites regarder par un médecin.
means-clear = Le modèle ne voit pas de signe de maladie. Il peut se tromper : les symptômes priment.
means-ungradable = Pas de résultat ; la raison et la suite sont sous le mot.
means-fault = L’appareil ne peut pas travailler ; le texte dit quoi faire.
help-key-button = commencer, figer, terminer, suivant : un seul bouton
help-key-new = abandonner ce qui est là et commencer l’examen suivant
help-key-views = aller à une vue
help-key-review = regarder en arrière ; un examen figé s’ouvre à ses images parlantes
help-key-move = une image ou deux secondes ; lignes d’une liste
help-key-telling = les deux secondes qui parlent le plus pour le résultat
help-key-map = où le modèle a regardé : carte sans effet sur le résultat
help-key-score = avec un protocole : score pulmonaire de la zone, 0 à 3
help-key-reading = avec un protocole : lecture de la zone par un médecin
help-key-vitals = avec un protocole : saisir les constantes ; un signe de danger réfère
help-key-patient = si l’examen est enregistré : qui est examiné, saisi, scanné ou choisi
help-key-unlock = examens enregistrés : ouvrir par clé ou phrase ; reverrouiller
help-key-kept = ouverts : chercher par nom ou numéro ; exporter ; envoyer au PACS ; effacer pour toujours
help-key-picture = montrer ou cacher l’image
help-key-frozen = examen retenu : l’image parlante figée, ou le direct
help-key-large = le résultat sur tout l’écran
help-key-back = retour à la vue en direct
help-key-quit = quitter Sonolamp
help-key-mouse = cliquez un onglet ; tournez la molette
mouse = souris

# What to do about the picture now, at most 29 columns.
advice-no-echo = sans écho : sonde et gel
advice-too-dark = sombre : montez le gain
advice-small-sector = petite : agrandissez
advice-cut-sector = coupée : montrez tout
advice-poor-contact = contact : plus de gel
advice-too-bright = claire : baissez le gain
advice-hold-still = ça bouge : ne bougez plus

# Vital signs; names at most 20 columns, hints at most 24, what is refused at most two rows of 54.
vitals = constantes
vitals-hint = Laissez vide ce qui n’est pas connu.
vital-age = âge
vital-spo2 = SpO2
vital-respiratory-rate = fréq. respiratoire
vital-temperature = température
vital-age-hint = 34 : ans, 7m : mois
vital-no-age = pas un âge : ans entiers comme 34, ou mois comme 7m avant un an
vital-needs-age = donnez aussi l’âge : les limites en dépendent
vital-wrong = { $value } est impossible : de { $least } à { $most } { $unit }
age-years = { $years } ans
age-months = { $months } mois

patient = patient
patient-number = numéro
patient-name = nom
patient-born = naissance
patient-sex = sexe (F, M, O)
patient-operator = opérateur
patient-entered = saisi sur l’appareil
patient-expected = attendus : { $patients }
patient-hint = Laissez vide ce qui n’est pas connu. Un numéro scanné trouve qui est attendu.
patient-amends = Examens enregistrés changés aussi : { $exams }. Pour un autre patient, d’abord n.
patient-no-date = date de naissance invalide : saisissez 1961, 1961-04 ou 1961-04-30

archive-locked = verrouillé
archive-opening = ouverture...
archive-shut = verrouillé : u et le PIN
archive-open = ouvert
archive-kept = enregistrés : { $exams }, libres : { $free } Go
archive-search = avec « { $text } »
archive-page = page { $page }
archive-full = plein : aucun examen avant d’avoir remis et effacé
archive-hint = Ce qui a été remis peut être effacé.
archive-empty = Aucun examen de ce genre.
archive-unreadable = illisible
archive-no-date = horloge à régler
archive-date = date (UTC)
archive-verdict = verdict
archive-score = score
archive-zone = zone
archive-patient = patient
archive-handed = remis
mark-exported = exporté
mark-sent = envoyé
mark-waits = en attente
said-reading = lecture de l’examen : { $percent } %
said-wrong-pin = PIN erroné : encore { $left } avant l’oubli de la clé
said-forgotten = la clé est oubliée : ouvrez de nouveau avec elle
said-erased = l’examen est effacé
said-exporting = exportation de l'examen...
said-exported = exporté vers { $folder }
said-queued = sera envoyé
sending-reading = envoi : lecture de l’examen...
sending-going = envoi : objets arrivés : { $taken } sur { $objects }
sending-sent = envoyés : { $exams } ; le PACS a tout reçu
sending-waits = pas encore envoyés : { $exams } ; nouvel essai tant que c’est ouvert : { $why }
opened-foreign = jugé par un autre modèle : ni score ni carte ici
opened-unmapped = pas de carte : le modèle a vu plus que l’image gardée

ask-passphrase = phrase de passe
ask-passphrase-hint = Les mots de la phrase, dans leur ordre.
ask-passphrase-or-stick = Les mots de la phrase, dans leur ordre ; Entrée seule prend la clé de la clé USB.
ask-new-pin = un PIN pour cette session
ask-new-pin-hint = 4 à 8 chiffres, qui ouvrent après une pause. Entrée seule : aucun, et la clé est oubliée après une pause.
ask-pin = PIN
ask-pin-hint = Après trois erreurs la clé est oubliée.
ask-no-pin = 4 à 8 chiffres
ask-search = chercher
ask-search-hint = Une partie d’un nom ou numéro ; Entrée seule montre tout.
ask-erase = effacer un examen pour toujours
ask-erase-hint = Tapez { $digits } et Entrée : nul ne pourra le récupérer.
ask-not-confirmed = rien n’est effacé : les chiffres sont autres

# Danger signs by a guideline; the mark beside the tabs at most 13 columns.
danger = { $meaning } : { $sign } { $value } { $unit }, { $edge } { $limit } ({ $source })
danger-sign = DANGER
term-at-least = dès
term-above = plus de
term-below = moins de
term-fast-breathing = respiration rapide
term-slow-breathing = respiration lente
term-high-body-temperature = température élevée
term-low-body-temperature = température basse
term-low-oxygen-saturation = saturation basse

# The body map; the patient's line 80 columns together, the legend 60.
map-open = à voir
map-unsure = incertain
map-score = score { $score }
map-clinician = médecin : { $reading }
map-patient = patient
map-examined = { $examined } zones sur { $zones }
map-sum = score { $sum } ({ $scored } cotées)
map-front = devant
map-back = dos
map-right = droite
map-left = gauche

# Zones of the protocols that come with the program, by their names there; a number in it is n.
zone-right-upper-anterior = antérieure supérieure droite
zone-right-lower-anterior = antérieure inférieure droite
zone-right-upper-lateral = latérale supérieure droite
zone-right-lower-lateral = latérale inférieure droite
zone-right-basal-lateral = latérale basale droite
zone-right-upper-posterior = postérieure supérieure droite
zone-right-lower-posterior = postérieure inférieure droite
zone-right-upper-blue-point = point BLUE supérieur droit
zone-right-lower-blue-point = point BLUE inférieur droit
zone-right-plaps-point = point PLAPS droit
zone-right-breast-n-o-clock = sein droit, { $number } h
zone-right-breast-behind-the-nipple = sein droit, derrière le mamelon
zone-right-axilla = aisselle droite
zone-left-upper-anterior = antérieure supérieure gauche
zone-left-lower-anterior = antérieure inférieure gauche
zone-left-upper-lateral = latérale supérieure gauche
zone-left-lower-lateral = latérale inférieure gauche
zone-left-basal-lateral = latérale basale gauche
zone-left-upper-posterior = postérieure supérieure gauche
zone-left-lower-posterior = postérieure inférieure gauche
zone-left-upper-blue-point = point BLUE supérieur gauche
zone-left-lower-blue-point = point BLUE inférieur gauche
zone-left-plaps-point = point PLAPS gauche
zone-left-breast-n-o-clock = sein gauche, { $number } h
zone-left-breast-behind-the-nipple = sein gauche, derrière le mamelon
zone-left-axilla = aisselle gauche

# La fiche de l’opérateur, une page imprimée.
card-title = Sonolamp : la fiche de l’opérateur
card-steps = Un examen, pas à pas
card-verdicts = Ce qu’il dit
card-reasons = Pourquoi ce n’est pas évaluable, et que faire
card-advice = Pendant le balayage
card-lamps = Voyants
card-attention = Fixe : non évaluable, la raison est à l’écran. Clignotant : défaut.
card-dark-name = tous éteints
card-dark = L’appareil ne fonctionne pas ou ne donne pas de résultat. Ne vous y fiez pas.
card-notice = Aide à la décision pour la recherche et la formation. N’est pas un dispositif médical : en cas de doute, référez.
