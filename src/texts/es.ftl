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
reason-too-little-evidence = aún hay muy poca imagen válida
reason-uncertain = la imagen está entre negativo y derivar

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
no-exam = sin examen aún
press-start = pulse espacio para iniciar un examen

fault-no-signal = sin señal: compruebe el cable y el ecógrafo
fault-source-failed = falló la fuente: compruébela y reinicie Sonolamp
fault-model-failed = el modelo falló con una imagen: reinicie Sonolamp

demo = DEMO
notice = no es un dispositivo médico
too-small = Sonolamp necesita al menos { $width } × { $height } caracteres

key-space = espacio
key-start = iniciar
key-hold = retener
key-end = terminar
key-new = nuevo
key-picture = imagen
key-map = mapa
key-outline = contorno
key-large = grande
key-normal = normal
key-quit = salir

picture-hidden = imagen oculta
legend-for = a favor de derivar
legend-against = en contra

fact-evidence = evidencia
fact-picture = imagen
fact-speed = velocidad
fact-latency = latencia
fact-frames = imágenes
fact-bundle = modelo
fact-lamps = lámparas
single-pictures = cada imagen por separado
gathered = { $usable } de { $seen } s; mínimo { $needed } s
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
