//! Products and decompositions of float64 matrices, by libtorch's BLAS and LAPACK.

use ndarray::Array2;
use tch::{Kind, Tensor};

/// A matrix as a float64 tensor on the CPU.
pub fn to_tensor(matrix: &Array2<f64>) -> Tensor {
    let values: Vec<f64> = matrix.iter().copied().collect();
    Tensor::from_slice(&values).view([matrix.nrows() as i64, matrix.ncols() as i64])
}

/// And back.
pub fn to_array(tensor: &Tensor) -> Array2<f64> {
    let (rows, columns) = tensor.size2().expect("a matrix");
    let values =
        Vec::<f64>::try_from(&tensor.contiguous().view(-1)).expect("a float64 tensor on the CPU");
    Array2::from_shape_vec((rows as usize, columns as usize), values)
        .expect("rows times columns values")
}

/// The product of two matrices, on as many threads as libtorch takes.
pub fn product(one: &Array2<f64>, other: &Array2<f64>) -> Array2<f64> {
    to_array(&to_tensor(one).matmul(&to_tensor(other)))
}

/// Threads that decompositions take here, on which their last digits depend.
pub fn threads() -> i32 {
    tch::get_num_threads()
}

/// Orthonormal columns that span those of a matrix.
pub fn orthonormal_columns(matrix: &Array2<f64>) -> Array2<f64> {
    let (q, _) = Tensor::linalg_qr(&to_tensor(matrix), "reduced");
    to_array(&q)
}

/// `U [n_rows, n_modes]` and `V [n_columns, n_modes]` with singular values above rounding errors, by the eigenvectors of
/// `A^T A`: unlike LAPACK's SVD they are found for the many equal singular values of deep trees.
pub fn singular_vectors(matrix: &Array2<f64>) -> (Array2<f64>, Array2<f64>) {
    let tensor = to_tensor(matrix);
    let (squares, vectors) = tensor.tr().matmul(&tensor).linalg_eigh("L");
    let threshold = squares.max().double_value(&[]) * 1e-14;
    let n_modes = squares.gt(threshold).sum(Kind::Int64).int64_value(&[]);
    // Ascending: the last are the largest.
    let v = vectors.narrow(1, squares.size()[0] - n_modes, n_modes);
    let u = tensor.matmul(&v) / squares.narrow(0, squares.size()[0] - n_modes, n_modes).sqrt();
    (to_array(&u), to_array(&v))
}

/// Singular values of a matrix, descending, without bound from below by rounding: roots of the eigenvalues of the smaller of
/// `A A^T` and `A^T A`, good to 1e-8 of the largest.
pub fn singular_values(matrix: &Array2<f64>) -> Vec<f64> {
    let square = if matrix.nrows() < matrix.ncols() {
        matrix.dot(&matrix.t())
    } else {
        matrix.t().dot(matrix)
    };
    let (squares, _) = eigen(&square);
    squares.into_iter().rev().map(|square| square.max(0.0).sqrt()).collect()
}

/// Eigenvalues of a symmetric matrix, ascending, and its orthonormal eigenvectors, one a column.
pub fn eigen(matrix: &Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let (values, vectors) = to_tensor(matrix).linalg_eigh("L");
    let values = Vec::<f64>::try_from(&values).expect("a float64 tensor on the CPU");
    (values, to_array(&vectors))
}

/// The inverse of a matrix that has one.
pub fn inverse(matrix: &Array2<f64>) -> Array2<f64> {
    to_array(&to_tensor(matrix).inverse())
}

/// `rows L^(-T)` with `L L^T = matrix`, which is symmetric and positive definite.
pub fn divided_by_root(rows: &Array2<f64>, matrix: &Array2<f64>) -> Array2<f64> {
    let upper = to_tensor(matrix).linalg_cholesky(true);
    to_array(&upper.linalg_solve_triangular(&to_tensor(rows), true, false, false))
}
