# Lo que leen las familias. Frases cortas, palabras de todos los días, nada que suene a formulario.
# $child es el nombre del niño o la niña, $day una fecha ya escrita, $n un número ya escrito.

language-name = Español
page-title = Cómo le va a { $child }
page-lead = Esto es lo que han confirmado las personas que trabajan con { $child } en la escuela, en palabras sencillas. Está al día de hoy, { $day }.
choose-language = Idioma
skip-to-content = Ir a la página

goals-title = En qué está trabajando { $child }
goals-none = Todavía no hay metas para mostrar. Aparecen aquí cuando la escuela las pone en el plan.
goal-being-updated = Las palabras de esta meta se están actualizando. Vuelva a mirar en unos días.
target-being-updated = Lo que se busca con esta meta se está actualizando. Vuelva a mirar en unos días.

going-reached = ¡{ $child } ha logrado esta meta!
going-on-track = { $child } va por buen camino para lograr esta meta.
going-on-track-by = { $child } va por buen camino para lograr esta meta para el { $day }.
going-moving = { $child } está avanzando. Esta meta necesita un poco más de tiempo.
going-steady = Está más o menos como al principio. El equipo sigue trabajando en esto con { $child }.
going-harder = Esto le cuesta a { $child } en este momento. El equipo está buscando lo que ayuda.
going-early = Es muy pronto para saberlo. Con unas visitas más se verá cómo va.
going-quiet = No se ha confirmado nada nuevo desde el { $day }.

lately-of-ten = Últimamente, unos { $n } de 10 intentos salen bien.
start-of-ten = Al principio eran unos { $n } de 10.
target-of = La meta es { $n } de { $of }.
lately-count = Últimamente, son unas { $n } veces por minuto.
start-count = Al principio eran unas { $n }.
start-zero = Al principio todavía no pasaba.
target-count-up = La meta es { $n } o más.
target-count-down = La meta es { $n } o menos.
lately-probe = Últimamente, le salen bien unas { $n } en un minuto.
start-probe = Al principio eran unas { $n }.
target-probe = La meta es { $n }.
corrected-on = (corregido el { $day })

chart-label = Gráfica: { $sentence } Los números están en la tabla de abajo.
chart-caption = Cada punto es un día. La línea cortada es la meta.
chart-caption-dots = Cada punto es un día.
chart-goal = meta
chart-start = inicio
numbers-title = Ver los números
table-day = Día
table-seen = Lo que se vio
seen-of = { $n } de { $of } salieron bien
seen-count = { $n } veces por minuto
seen-probe = { $n } bien en un minuto

visits-title = Visitas
this-week = Esta semana
last-week = La semana pasada
week-days = del { $from } al { $to }
week-none = Todavía no se ha confirmado nada de esta semana.
last-week-none = No se confirmó nada de esta semana.
visits-planned =
    { $planned ->
        [one] 1 visita prevista
       *[other] { $planned } visitas previstas
    }
visits-of =
    { $planned ->
        [one] { $done } de 1 visita
       *[other] { $done } de { $planned } visitas
    }
visits-done =
    { $done ->
        [one] 1 visita
       *[other] { $done } visitas
    }
visit-line = { $day }: { $mode }, { $minutes }
visit-line-plain = { $day }: { $minutes }
minutes =
    { $minutes ->
        [one] 1 minuto
       *[other] { $minutes } minutos
    }
mode-push-in = ayuda en la clase
mode-pull-out = ayuda en un cuarto tranquilo
mode-consult = conversación entre los adultos
mode-blended = ayuda en la clase y en un cuarto tranquilo
missed-line = { $day }: no hubo visita, porque { $reason }
reason-student_absent = { $child } no estuvo en la escuela
reason-student_refused = { $child } no quiso participar ese día
reason-student_unavailable_school = la clase tenía otra cosa ese día
reason-student_unavailable_other = { $child } tenía que estar en otro lugar
reason-provider_absent = la persona que viene no estuvo
reason-provider_meeting = la persona que viene tenía una reunión
reason-no_substitute = nadie pudo tomar su lugar
reason-school_closed_planned = no hubo clases
reason-school_closed_emergency = la escuela estuvo cerrada ese día
reason-schedule_conflict = cambió el plan del día
reason-not_logged = no se anotó nada

discipline-slp = Habla y lenguaje
discipline-ot = Manos y vida diaria (terapia ocupacional)
discipline-pt = Movimiento y fuerza (terapia física)
discipline-psy = Sentimientos y aprendizaje (psicología escolar)
discipline-set = Apoyo para aprender
discipline-none = Ayuda en la clase

about-title = Sobre esta página
about-signed-off = Solo se muestra el trabajo que ya se confirmó. Lo nuevo puede tardar unos días en aparecer.
about-questions = ¿Algo no parece correcto, o tiene una pregunta? Hable con la escuela de { $child }. Usted tiene derecho a ver el expediente completo.
sign-out = Salir

sign-in-title = Le damos la bienvenida
sign-in-lead = Aquí puede ver cómo le va a su hijo o hija en la escuela.
sign-in-again-title = Ya he estado aquí
sign-in-passphrase = Su frase secreta
sign-in-button = Abrir la página
sign-in-first-title = Es mi primera vez
sign-in-first-lead = Escriba la invitación que está en la carta de la escuela, y elija una frase secreta. Pueden ser tres o cuatro palabras que solo usted sepa.
sign-in-invitation = Su invitación
sign-in-new-passphrase = Elija una frase secreta (al menos { $n } letras)
sign-in-new-passphrase-again = Escríbala otra vez
sign-in-first-button = Empezar
sign-in-forgotten = ¿Olvidó su frase secreta? La escuela le puede mandar una nueva invitación.

wrong-sign-in = Eso no funcionó. Revise lo que escribió. Si todavía no funciona, la escuela le puede mandar una nueva invitación.
wrong-too-often = Fueron demasiados intentos. Espere un cuarto de hora y pruebe otra vez.
wrong-too-short = Elija una frase más larga: al menos { $n } letras. Su invitación todavía sirve.
wrong-too-long = Elija una frase más corta: { $n } letras como máximo. Su invitación todavía sirve.
wrong-differs = Las dos frases no eran iguales. Escríbalas otra vez. Su invitación todavía sirve.
wrong-busy = Hay mucha gente aquí en este momento. Pruebe otra vez en un minuto.
wrong-form = Faltó algo. Llene el formulario otra vez.

closed-title = Esta página no está abierta
closed-lead = Entre otra vez. Si eso no ayuda, pida a la escuela una nueva invitación.
closed-button = Ir a la página de entrada
restored-title = Vuelva más tarde
restored-lead = La escuela recuperó este sitio de una copia y lo está revisando. No se perdió nada. Pruebe otra vez mañana.
letter-lead = Abra la dirección que está en la carta de la escuela.

weekday-1 = lunes
weekday-2 = martes
weekday-3 = miércoles
weekday-4 = jueves
weekday-5 = viernes
weekday-6 = sábado
weekday-7 = domingo
month-1 = enero
month-2 = febrero
month-3 = marzo
month-4 = abril
month-5 = mayo
month-6 = junio
month-7 = julio
month-8 = agosto
month-9 = septiembre
month-10 = octubre
month-11 = noviembre
month-12 = diciembre
month-short-1 = ene
month-short-2 = feb
month-short-3 = mar
month-short-4 = abr
month-short-5 = may
month-short-6 = jun
month-short-7 = jul
month-short-8 = ago
month-short-9 = sep
month-short-10 = oct
month-short-11 = nov
month-short-12 = dic
date-weekday = { $weekday } { $day } de { $month }
date-day = { $day } de { $month }
date-short = { $day } { $month }
date-year = { $day } de { $month } de { $year }
number-tenths = { $whole },{ $tenth }
