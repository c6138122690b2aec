/*
 * eigen.h: eigenvalues and eigenvectors of a real symmetric matrix, in double, with the same bits
 * on every processor and at any number of threads. Householder tridiagonalisation and the implicit
 * QL algorithm (Golub and Van Loan, "Matrix Computations", 8.3; Bowdler, Martin, Reinsch,
 * Wilkinson, "The QR and QL algorithms for symmetric matrices", 1968). About 4/3 n^3 operations for
 * the values, 6 n^2 for a vector; some 14 n^2 bytes of memory, and 8 n for a vector.
 */
#pragma once
#include <stddef.h>

/*
 * Decompose a [n, n], row after row, symmetric (only i >= j is read), finite. values [n] fall. On
 * return row i < k of a is the unit eigenvector of values[i], the same for any k > i; the rows
 * behind them are lost. The sign makes the component of largest magnitude positive, the first one
 * where several are equal.
 */
void eigen_symmetric(size_t n, size_t k, double *a, double *values);
