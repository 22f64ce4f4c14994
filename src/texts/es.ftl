# What the terminal dashboard says, in Spanish; en.ftl explains the widths.

decimal-mark = ,

banner-refer = DERIVAR
banner-clear = NEGATIVO
banner-ungradable = NO VALORABLE
banner-fault = FALLO
banner-ready = LISTO

verdict-refer = derivar
verdict-clear = negativo
verdict-ungradable = no valorable

reason-blank = la imagen está negra o vacía: compruebe sonda, gel y ganancia
reason-no-sector = no hay sector ecográfico en la imagen: compruebe la fuente
reason-noise = ruido en lugar de eco: compruebe el cable y el contacto de la sonda
reason-frozen = la imagen no se mueve: descongele la imagen del ecógrafo
reason-unfamiliar = imagen desconocida para el modelo: compruebe tipo de examen y sonda
reason-too-little-evidence = muy poca imagen válida: explore más tiempo, despacio
reason-uncertain = entre negativo y derivar: explore de nuevo o consulte a un médico

next-refer = que lo vea un médico; r muestra por qué
next-clear = sin signos; los síntomas pesan más

flaw-blank = vacía
flaw-no-sector = sin sector
flaw-noise = ruido
flaw-frozen = congelada
flaw-unfamiliar = desconocida

state-idle = en espera
state-scanning = en curso
state-held = retenido
state-ended = terminado
exam = examen { $number } { $state }
exam-keeping = { $exam }, { $keeping }
keeping-keeping = guardando...
keeping-kept = guardado
keeping-failed = NO GUARDADO
not-kept = NO GUARDADO: { $words }
not-kept-look = NO GUARDADO: mire el disco; el registro dice por qué
no-exam = sin examen aún
press-start = pulse espacio para iniciar un examen

fault-no-signal = sin señal: compruebe el cable y el ecógrafo
fault-source-failed = falló la fuente: compruébela y reinicie Sonolamp
fault-model-failed = el modelo falló con una imagen: reinicie Sonolamp
fault-safe-mode = modo seguro, no se examina nada: llame al técnico

demo = DEMO
notice = no es un dispositivo médico
too-small = Sonolamp necesita al menos { $width } × { $height } caracteres

key-space = espacio
key-start = iniciar
key-hold = retener
key-end = terminar
key-new = nuevo
key-picture = imagen
key-live = directo
key-frozen = imagen fija
key-map = mapa
key-outline = contorno
key-large = grande
key-normal = normal
key-quit = salir

picture-hidden = imagen oculta
picture-frozen = FIJA: la imagen clave, no en directo
picture-live = EN DIRECTO; examen retenido
legend-for = a favor de derivar
legend-against = en contra
legend-note = mapa: no cuenta para el resultado

fact-evidence = evidencia
fact-picture = imagen
fact-speed = velocidad
fact-latency = latencia
fact-frames = imágenes
fact-bundle = modelo
fact-patient = paciente
fact-lamps = lámparas
single-pictures = cada imagen por separado
gathered = { $usable } de { $seen } s; mínimo { $needed } s
sweep-on = siga { $seconds } s más
sweep-surer = suficiente por ahora
sweep-enough = suficiente
sweep-short = poco: explore más
rests-on-window = se basa en los últimos { $seconds } s
rests-on-exam = se basa en todo el examen
usable = válida
not-judged = sin valorar
masked = { $picture }, { $percent } % oculto
speed = { $frames } imágenes/s
latency = { $median } ms p50, { $slow } ms p99
frames = { $captured } leídas, { $dropped } perdidas

lamp-refer = derivar
lamp-clear = negativo
lamp-attention = aviso

title-history = prob. de derivar, últimos { $seconds } s
title-log = registro

event-fault = fallo: { $words }
event-fault-over = el fallo ha terminado
event-kept = el examen está guardado
event-not-kept = el examen NO SE HA GUARDADO: { $words }
event-source-ended = la fuente ha terminado
event-reason = { $verdict }: { $reason }

term-regular = normal
term-normal = normal
term-pathologic = patológico
term-benign = benigno
term-malignant = maligno
term-lesion = lesión
term-cause = causa
term-findings = hallazgos
term-pneumonia = neumonía
term-covid-19 = COVID-19
term-a-lines = líneas A
term-b-lines = líneas B
term-consolidation = consolidación
term-effusion = derrame

# The views' tabs, 63 columns together with their numbers.
view-live = Directo
view-review = Revisión
view-exams = Exámenes
view-device = Equipo
view-help = Ayuda
view-zones = Zonas
watching = OBSERVANDO

key-back = directo
key-help = ayuda
key-frame = imagen
key-page = 2 s
key-telling = clave
key-choose = elegir
key-open = revisar
key-scroll = mover
key-zone = zona
key-score = puntos
key-reading = lectura
key-patient = paciente
key-vitals = constantes
key-patient-entry = datos
key-unlock = abrir
key-search = buscar
key-export = exportar
key-send = enviar
key-erase = borrar
key-lock = bloquear
key-field = campo
key-take = aceptar
key-drop = descartar

# Review; names at most 10 columns.
review-empty = Aún no se ha explorado nada. Lo visto en un examen se guarda aquí durante un minuto.
fact-moment = momento
fact-exam = examen
fact-score = valor
fact-place = imagen n.º
ago = hace { $seconds } s

# The list of exams; columns of 6, 9, 9, 16, 12, 10 and 10.
exams-empty = Aún no hay exámenes. Cada examen desde el inicio figurará aquí; Enter lo abre.
exams-number = examen
exams-start = inicio
exams-length = duración
exams-verdict = resultado
exams-score = valor
exams-usable = útil
exams-state = estado
exam-open = abierto

# The box; names at most 15 columns.
device-source = fuente
device-delivers = entrega
device-camera = cámara
device-driver = control luces
device-lines = líneas luces
device-board = placa
device-heat = temperatura
device-power = alimentación
device-disk = disco
device-memory = memoria
device-clock = reloj
device-running = en marcha
device-bundle = modelo
device-task = destinado a
device-licence = licencia
device-thresholds = umbrales
device-version = versiones
device-update = actualización
unknown = no se conoce en este equipo
level-high = alta
level-low = baja
level-blinks = parpadea
degrees = { $degrees } °C
power-good = correcta
power-low = tensión demasiado baja: use una fuente más potente y un cable corto
power-slowed = ralentizado por calor o tensión: revise ventilador y fuente
power-earlier = correcta ahora; hubo tensión baja o calor desde el inicio
free-of = { $free } de { $size } GB libres
read-only = solo lectura
clock-not-set = sin ajustar: no confíe en las horas
clock-set = ajustado
clock-kept = ajustado por un servidor horario
thresholds = negativo hasta { $clear }, derivar desde { $refer }

# Help.
help-connect = Apoye la sonda con gel. La imagen aparece sola.
help-start = Pulse espacio (o el botón del equipo) para iniciar el examen.
help-sweep = Explore despacio hasta llenar el anillo: basta para el resultado.
help-hold = Pulse espacio para retener: el resultado se basa ahora en todo el examen.
help-next = Pulse espacio para terminar, y otra vez para el siguiente paciente.
means-refer = El modelo ve signos de enfermedad. Que lo revise un médico.
means-clear = El modelo no ve signos de enfermedad. Puede equivocarse: los síntomas pesan más.
means-ungradable = Sin resultado; el motivo y el paso siguiente están debajo de la palabra.
means-fault = El equipo no puede trabajar; el texto dice qué hacer.
help-key-button = iniciar, retener, terminar, siguiente: un solo botón
help-key-new = descartar lo que hay e iniciar el siguiente examen
help-key-views = ir a una vista
help-key-review = mirar atrás; un examen retenido se abre en sus imágenes clave
help-key-move = una imagen o dos segundos; filas de una lista
help-key-telling = los dos segundos que más apoyan el resultado
help-key-map = dónde miró el modelo: el mapa no cuenta para el resultado
help-key-score = con protocolo: puntuación pulmonar de la zona, 0 a 3
help-key-reading = con protocolo: lectura de un médico de la zona
help-key-vitals = con protocolo: escribir las constantes; un signo de peligro deriva
help-key-patient = si se guarda: quién es el paciente, escrito, escaneado o elegido
help-key-unlock = exámenes guardados: abrir con clave o frase; bloquear de nuevo
help-key-kept = abiertos: buscar por nombre o número; exportar; enviar al PACS; borrar para siempre
help-key-picture = mostrar u ocultar la imagen
help-key-frozen = examen retenido: la imagen clave fija, o la de directo
help-key-large = el resultado en toda la pantalla
help-key-back = volver a la vista en directo
help-key-quit = salir de Sonolamp
help-key-mouse = pulse una pestaña; gire la rueda para moverse
mouse = ratón

# What to do about the picture now, at most 29 columns.
advice-no-echo = sin eco: sonda y gel
advice-too-dark = oscura: suba ganancia
advice-small-sector = pequeña: amplíe imagen
advice-cut-sector = cortada: muéstrela toda
advice-poor-contact = mal contacto: más gel
advice-too-bright = clara: baje ganancia
advice-hold-still = se mueve: quieta la sonda

# Vital signs; names at most 20 columns, hints at most 24, what is refused at most two rows of 54.
vitals = constantes
vitals-hint = Deje vacío lo que no se sepa.
vital-age = edad
vital-spo2 = SpO2
vital-respiratory-rate = frec. respiratoria
vital-temperature = temperatura
vital-age-hint = 34: años, 7m: meses
vital-no-age = no es una edad: años enteros como 34, o meses como 7m antes del primer año
vital-needs-age = escriba también la edad: los límites dependen de ella
vital-wrong = { $value } no puede ser: escriba de { $least } a { $most } { $unit }
age-years = { $years } años
age-months = { $months } meses

patient = paciente
patient-number = número
patient-name = nombre
patient-born = nacimiento
patient-sex = sexo (F, M, O)
patient-operator = operador
patient-entered = anotado en el equipo
patient-expected = en espera: { $patients }
patient-hint = Deje vacío lo que no se sepa. Un número escaneado halla a quien se espera.
patient-amends = Cambian los exámenes guardados: { $exams }. Para otro paciente pulse antes n.
patient-no-date = fecha de nacimiento no válida: escriba 1961, 1961-04 o 1961-04-30

archive-locked = bloqueado
archive-opening = abriendo...
archive-shut = bloqueado: u y el PIN
archive-open = abierto
archive-kept = guardados: { $exams }, libres: { $free } GB
archive-search = con «{ $text }»
archive-page = página { $page }
archive-full = lleno: no empieza ningún examen hasta entregar y borrar
archive-hint = Lo que ya se entregó puede borrarse.
archive-empty = No hay ningún examen así.
archive-unreadable = no se puede abrir
archive-no-date = reloj sin poner
archive-date = fecha (UTC)
archive-verdict = veredicto
archive-score = valor
archive-zone = zona
archive-patient = paciente
archive-handed = entregado
mark-exported = exportado
mark-sent = enviado
mark-waits = en espera
said-reading = leyendo el examen: { $percent } %
said-wrong-pin = PIN incorrecto: quedan { $left } antes de olvidar la clave
said-forgotten = la clave se ha olvidado: abra con ella otra vez
said-erased = el examen está borrado
said-exporting = exportando el examen...
said-exported = exportado a { $folder }
said-queued = se enviará
sending-reading = envío: leyendo el examen...
sending-going = envío: objetos llegados: { $taken } de { $objects }
sending-sent = enviados: { $exams }; el PACS lo tiene todo
sending-waits = sin enviar: { $exams }; se reintenta mientras esté abierto: { $why }
opened-foreign = juzgado por otro modelo: sin valores ni mapa aquí
opened-unmapped = sin mapa: el modelo vio más que la imagen guardada

ask-passphrase = frase de paso
ask-passphrase-hint = Las palabras de la frase, en su orden.
ask-passphrase-or-stick = Las palabras de la frase, en su orden; Enter sin más toma la clave de la memoria USB.
ask-new-pin = un PIN para esta sesión
ask-new-pin-hint = De 4 a 8 cifras, que abren tras una pausa. Enter sin más: ninguno, y tras una pausa se olvida la clave.
ask-pin = PIN
ask-pin-hint = Tras tres incorrectos se olvida la clave.
ask-no-pin = de 4 a 8 cifras
ask-search = buscar
ask-search-hint = Parte de un nombre o número; Enter sin más los muestra todos.
ask-erase = borrar un examen para siempre
ask-erase-hint = Escriba { $digits } y Enter: nadie podrá recuperarlo.
ask-not-confirmed = no se borra nada: las cifras son otras

# Danger signs by a guideline; the mark beside the tabs at most 13 columns.
danger = { $meaning }: { $sign } { $value } { $unit }, { $edge } { $limit } ({ $source })
danger-sign = PELIGRO
term-at-least = desde
term-above = más de
term-below = menos de
term-fast-breathing = respiración rápida
term-slow-breathing = respiración lenta
term-high-body-temperature = temperatura alta
term-low-body-temperature = temperatura baja
term-low-oxygen-saturation = saturación baja

# The body map; the patient's line 80 columns together, the legend 60.
map-open = pendiente
map-unsure = dudoso
map-score = puntos { $score }
map-clinician = médico: { $reading }
map-patient = paciente
map-examined = { $examined } de { $zones } zonas
map-sum = { $sum } puntos ({ $scored } zonas)
map-front = frente
map-back = espalda
map-right = derecha
map-left = izquierda

# Zones of the protocols that come with the program, by their names there; a number in it is n.
zone-right-upper-anterior = anterior superior derecha
zone-right-lower-anterior = anterior inferior derecha
zone-right-upper-lateral = lateral superior derecha
zone-right-lower-lateral = lateral inferior derecha
zone-right-basal-lateral = lateral basal derecha
zone-right-upper-posterior = posterior superior derecha
zone-right-lower-posterior = posterior inferior derecha
zone-right-upper-blue-point = punto BLUE superior derecho
zone-right-lower-blue-point = punto BLUE inferior derecho
zone-right-plaps-point = punto PLAPS derecho
zone-right-breast-n-o-clock = mama derecha, hora { $number }
zone-right-breast-behind-the-nipple = mama derecha, tras el pezón
zone-right-axilla = axila derecha
zone-left-upper-anterior = anterior superior izquierda
zone-left-lower-anterior = anterior inferior izquierda
zone-left-upper-lateral = lateral superior izquierda
zone-left-lower-lateral = lateral inferior izquierda
zone-left-basal-lateral = lateral basal izquierda
zone-left-upper-posterior = posterior superior izquierda
zone-left-lower-posterior = posterior inferior izquierda
zone-left-upper-blue-point = punto BLUE superior izquierdo
zone-left-lower-blue-point = punto BLUE inferior izquierdo
zone-left-plaps-point = punto PLAPS izquierdo
zone-left-breast-n-o-clock = mama izquierda, hora { $number }
zone-left-breast-behind-the-nipple = mama izquierda, tras el pezón
zone-left-axilla = axila izquierda

# La tarjeta del operador, una página impresa.
card-title = Sonolamp: tarjeta del operador
card-steps = Un examen, paso a paso
card-verdicts = Qué dice
card-reasons = Por qué no es valorable y qué hacer
card-advice = Durante el barrido
card-lamps = Luces
card-attention = Fija: no valorable, el motivo está en la pantalla. Intermitente: fallo.
card-dark-name = todas apagadas
card-dark = El equipo no funciona o no da resultado. No se fíe de él.
card-notice = Ayuda a la decisión para investigación y formación. No es un dispositivo médico: en caso de duda, derive.
