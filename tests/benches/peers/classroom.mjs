// Who has whom: the same division as at our own server.

export const TABLETS_EACH = 4;
export const OBSERVATIONS_EACH = 2;
const STUDENTS_EACH = 20;
/// Students for each tablet that there is.
export const CLASSES = STUDENTS_EACH / TABLETS_EACH;

/// The students of one of so many tablets.
export function studentsOf(tablet, tablets) {
  const students = [];
  for (let number = 0; number < CLASSES; number++) {
    for (let place = 0; place < TABLETS_EACH; place++) {
      const first = (tablet + tablets - ((place * (number + 1)) % tablets)) % tablets;
      students.push(number * tablets + first);
    }
  }
  return students;
}
