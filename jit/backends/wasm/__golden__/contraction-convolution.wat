(import "env" "memory" (memory 1 65536 shared))
(func $tile2x8 (param $params i32) (param $first i32) (param $o.panel i32)
  (local v128) $acc0_0  $acc0_1  $acc1_0  $acc1_1  $y0.17  $y1.18  $x  $y0.20  $y1.21  $y0.22  $y1.23  $y0.24  $y1.25
      $y0.26  $y1.27  $y0.28  $y1.29  $y0.30  $y1.31  $y0.32  $y1.33  $y0.34  $y1.35  $y0.36  $y1.37  $y0.38  $y1.39
      $y0.40  $y1.41  $y0.42  $y1.43  $y0.44  $y1.45  $y0.46  $y1.47  $y0.48  $y1.49  $y0.50  $y1.51  $y0.52  $y1.53
      $y0.54  $y1.55  $y0.56  $y1.57  $y0.58  $y1.59  $y0.60  $y1.61  $y0.62  $y1.63  $y0.64  $y1.65  $y0.66  $y1.67
      $y0.68  $y1.69  $y0.70  $y1.71  $y0.72  $y1.73  $y0.74  $y1.75  $y0.76  $y1.77  $y0.78  $y1.79  $y0.80  $y1.81
      $y0.82  $y1.83  $y0.84  $y1.85  $y0.86  $y1.87  $y0.88  $y1.89  $y0.106  $y1.107
  (local i32) $y0  $x0  $y1  $x1  $carry  $a0  $arg0  $a1  $b0  $arg1  $b0.90  $ky  $kx  $a0.93  $add  $add.95  $le
      $add.97  $add.98  $a1.99  $add.100  $add.101  $le.102  $add.103  $add.104  $left  $zero  $mul  $arg2  $mul.111
      $add.112  $add.113
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $params  i32.load offset=8  local.set $arg2
  local.get $first  i32.const 7  i32.and  local.set $x0
  local.get $first  i32.const 3  i32.shr_s  local.set $y0
  local.get $x0  i32.const 1  i32.add  local.set $x1
  local.get $x1  i32.const 8  i32.eq  local.set $carry
  i32.const 0  local.get $x1  local.get $carry  select  local.set $x1
  local.get $y0  local.get $carry  i32.add  local.set $y1
  local.get $y0  i32.const -1  i32.add  i32.const 5  i32.le_u  local.get $y1  i32.const -1  i32.add  i32.const 5
      i32.le_u  i32.and  local.get $x0  i32.const -1  i32.add  i32.const 5  i32.le_u  i32.and  local.get $x1
      i32.const -1  i32.add  i32.const 5  i32.le_u  i32.and  if $if1
    local.get $y0  i32.const 7  i32.shl  local.get $x0  i32.const 4  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -144  i32.add  local.set $a0
    local.get $y1  i32.const 7  i32.shl  local.get $x1  i32.const 4  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -144  i32.add  local.set $a1
    local.get $o.panel  i32.const 5  i32.shl  local.get $arg1  i32.add  local.set $b0
    local.get $b0  v128.load align=4  local.set $y0.17
    local.get $b0  v128.load offset=16 align=4  local.set $y1.18
    local.get $a0  v128.load32_splat  local.set $x
    local.get $x  local.get $y0.17  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.18  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat  local.set $x
    local.get $x  local.get $y0.17  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.18  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=32 align=4  local.set $y0.20
    local.get $b0  v128.load offset=48 align=4  local.set $y1.21
    local.get $a0  v128.load32_splat offset=4  local.set $x
    local.get $x  local.get $y0.20  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.21  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=4  local.set $x
    local.get $x  local.get $y0.20  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.21  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=64 align=4  local.set $y0.22
    local.get $b0  v128.load offset=80 align=4  local.set $y1.23
    local.get $a0  v128.load32_splat offset=8  local.set $x
    local.get $x  local.get $y0.22  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.23  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=8  local.set $x
    local.get $x  local.get $y0.22  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.23  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=96 align=4  local.set $y0.24
    local.get $b0  v128.load offset=112 align=4  local.set $y1.25
    local.get $a0  v128.load32_splat offset=12  local.set $x
    local.get $x  local.get $y0.24  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.25  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=12  local.set $x
    local.get $x  local.get $y0.24  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.25  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=128 align=4  local.set $y0.26
    local.get $b0  v128.load offset=144 align=4  local.set $y1.27
    local.get $a0  v128.load32_splat offset=16  local.set $x
    local.get $x  local.get $y0.26  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.27  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=16  local.set $x
    local.get $x  local.get $y0.26  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.27  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=160 align=4  local.set $y0.28
    local.get $b0  v128.load offset=176 align=4  local.set $y1.29
    local.get $a0  v128.load32_splat offset=20  local.set $x
    local.get $x  local.get $y0.28  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.29  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=20  local.set $x
    local.get $x  local.get $y0.28  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.29  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=192 align=4  local.set $y0.30
    local.get $b0  v128.load offset=208 align=4  local.set $y1.31
    local.get $a0  v128.load32_splat offset=24  local.set $x
    local.get $x  local.get $y0.30  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.31  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=24  local.set $x
    local.get $x  local.get $y0.30  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.31  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=224 align=4  local.set $y0.32
    local.get $b0  v128.load offset=240 align=4  local.set $y1.33
    local.get $a0  v128.load32_splat offset=28  local.set $x
    local.get $x  local.get $y0.32  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.33  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=28  local.set $x
    local.get $x  local.get $y0.32  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.33  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=256 align=4  local.set $y0.34
    local.get $b0  v128.load offset=272 align=4  local.set $y1.35
    local.get $a0  v128.load32_splat offset=32  local.set $x
    local.get $x  local.get $y0.34  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.35  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=32  local.set $x
    local.get $x  local.get $y0.34  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.35  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=288 align=4  local.set $y0.36
    local.get $b0  v128.load offset=304 align=4  local.set $y1.37
    local.get $a0  v128.load32_splat offset=36  local.set $x
    local.get $x  local.get $y0.36  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.37  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=36  local.set $x
    local.get $x  local.get $y0.36  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.37  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=320 align=4  local.set $y0.38
    local.get $b0  v128.load offset=336 align=4  local.set $y1.39
    local.get $a0  v128.load32_splat offset=40  local.set $x
    local.get $x  local.get $y0.38  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.39  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=40  local.set $x
    local.get $x  local.get $y0.38  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.39  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=352 align=4  local.set $y0.40
    local.get $b0  v128.load offset=368 align=4  local.set $y1.41
    local.get $a0  v128.load32_splat offset=44  local.set $x
    local.get $x  local.get $y0.40  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.41  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=44  local.set $x
    local.get $x  local.get $y0.40  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.41  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=384 align=4  local.set $y0.42
    local.get $b0  v128.load offset=400 align=4  local.set $y1.43
    local.get $a0  v128.load32_splat offset=128  local.set $x
    local.get $x  local.get $y0.42  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.43  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=128  local.set $x
    local.get $x  local.get $y0.42  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.43  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=416 align=4  local.set $y0.44
    local.get $b0  v128.load offset=432 align=4  local.set $y1.45
    local.get $a0  v128.load32_splat offset=132  local.set $x
    local.get $x  local.get $y0.44  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.45  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=132  local.set $x
    local.get $x  local.get $y0.44  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.45  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=448 align=4  local.set $y0.46
    local.get $b0  v128.load offset=464 align=4  local.set $y1.47
    local.get $a0  v128.load32_splat offset=136  local.set $x
    local.get $x  local.get $y0.46  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.47  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=136  local.set $x
    local.get $x  local.get $y0.46  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.47  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=480 align=4  local.set $y0.48
    local.get $b0  v128.load offset=496 align=4  local.set $y1.49
    local.get $a0  v128.load32_splat offset=140  local.set $x
    local.get $x  local.get $y0.48  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.49  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=140  local.set $x
    local.get $x  local.get $y0.48  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.49  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=512 align=4  local.set $y0.50
    local.get $b0  v128.load offset=528 align=4  local.set $y1.51
    local.get $a0  v128.load32_splat offset=144  local.set $x
    local.get $x  local.get $y0.50  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.51  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=144  local.set $x
    local.get $x  local.get $y0.50  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.51  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=544 align=4  local.set $y0.52
    local.get $b0  v128.load offset=560 align=4  local.set $y1.53
    local.get $a0  v128.load32_splat offset=148  local.set $x
    local.get $x  local.get $y0.52  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.53  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=148  local.set $x
    local.get $x  local.get $y0.52  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.53  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=576 align=4  local.set $y0.54
    local.get $b0  v128.load offset=592 align=4  local.set $y1.55
    local.get $a0  v128.load32_splat offset=152  local.set $x
    local.get $x  local.get $y0.54  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.55  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=152  local.set $x
    local.get $x  local.get $y0.54  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.55  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=608 align=4  local.set $y0.56
    local.get $b0  v128.load offset=624 align=4  local.set $y1.57
    local.get $a0  v128.load32_splat offset=156  local.set $x
    local.get $x  local.get $y0.56  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.57  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=156  local.set $x
    local.get $x  local.get $y0.56  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.57  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=640 align=4  local.set $y0.58
    local.get $b0  v128.load offset=656 align=4  local.set $y1.59
    local.get $a0  v128.load32_splat offset=160  local.set $x
    local.get $x  local.get $y0.58  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.59  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=160  local.set $x
    local.get $x  local.get $y0.58  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.59  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=672 align=4  local.set $y0.60
    local.get $b0  v128.load offset=688 align=4  local.set $y1.61
    local.get $a0  v128.load32_splat offset=164  local.set $x
    local.get $x  local.get $y0.60  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.61  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=164  local.set $x
    local.get $x  local.get $y0.60  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.61  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=704 align=4  local.set $y0.62
    local.get $b0  v128.load offset=720 align=4  local.set $y1.63
    local.get $a0  v128.load32_splat offset=168  local.set $x
    local.get $x  local.get $y0.62  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.63  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=168  local.set $x
    local.get $x  local.get $y0.62  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.63  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=736 align=4  local.set $y0.64
    local.get $b0  v128.load offset=752 align=4  local.set $y1.65
    local.get $a0  v128.load32_splat offset=172  local.set $x
    local.get $x  local.get $y0.64  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.65  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=172  local.set $x
    local.get $x  local.get $y0.64  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.65  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=768 align=4  local.set $y0.66
    local.get $b0  v128.load offset=784 align=4  local.set $y1.67
    local.get $a0  v128.load32_splat offset=256  local.set $x
    local.get $x  local.get $y0.66  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.67  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=256  local.set $x
    local.get $x  local.get $y0.66  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.67  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=800 align=4  local.set $y0.68
    local.get $b0  v128.load offset=816 align=4  local.set $y1.69
    local.get $a0  v128.load32_splat offset=260  local.set $x
    local.get $x  local.get $y0.68  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.69  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=260  local.set $x
    local.get $x  local.get $y0.68  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.69  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=832 align=4  local.set $y0.70
    local.get $b0  v128.load offset=848 align=4  local.set $y1.71
    local.get $a0  v128.load32_splat offset=264  local.set $x
    local.get $x  local.get $y0.70  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.71  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=264  local.set $x
    local.get $x  local.get $y0.70  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.71  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=864 align=4  local.set $y0.72
    local.get $b0  v128.load offset=880 align=4  local.set $y1.73
    local.get $a0  v128.load32_splat offset=268  local.set $x
    local.get $x  local.get $y0.72  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.73  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=268  local.set $x
    local.get $x  local.get $y0.72  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.73  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=896 align=4  local.set $y0.74
    local.get $b0  v128.load offset=912 align=4  local.set $y1.75
    local.get $a0  v128.load32_splat offset=272  local.set $x
    local.get $x  local.get $y0.74  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.75  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=272  local.set $x
    local.get $x  local.get $y0.74  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.75  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=928 align=4  local.set $y0.76
    local.get $b0  v128.load offset=944 align=4  local.set $y1.77
    local.get $a0  v128.load32_splat offset=276  local.set $x
    local.get $x  local.get $y0.76  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.77  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=276  local.set $x
    local.get $x  local.get $y0.76  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.77  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=960 align=4  local.set $y0.78
    local.get $b0  v128.load offset=976 align=4  local.set $y1.79
    local.get $a0  v128.load32_splat offset=280  local.set $x
    local.get $x  local.get $y0.78  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.79  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=280  local.set $x
    local.get $x  local.get $y0.78  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.79  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=992 align=4  local.set $y0.80
    local.get $b0  v128.load offset=1008 align=4  local.set $y1.81
    local.get $a0  v128.load32_splat offset=284  local.set $x
    local.get $x  local.get $y0.80  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.81  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=284  local.set $x
    local.get $x  local.get $y0.80  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.81  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=1024 align=4  local.set $y0.82
    local.get $b0  v128.load offset=1040 align=4  local.set $y1.83
    local.get $a0  v128.load32_splat offset=288  local.set $x
    local.get $x  local.get $y0.82  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.83  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=288  local.set $x
    local.get $x  local.get $y0.82  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.83  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=1056 align=4  local.set $y0.84
    local.get $b0  v128.load offset=1072 align=4  local.set $y1.85
    local.get $a0  v128.load32_splat offset=292  local.set $x
    local.get $x  local.get $y0.84  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.85  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=292  local.set $x
    local.get $x  local.get $y0.84  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.85  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=1088 align=4  local.set $y0.86
    local.get $b0  v128.load offset=1104 align=4  local.set $y1.87
    local.get $a0  v128.load32_splat offset=296  local.set $x
    local.get $x  local.get $y0.86  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.87  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=296  local.set $x
    local.get $x  local.get $y0.86  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.87  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
    local.get $b0  v128.load offset=1120 align=4  local.set $y0.88
    local.get $b0  v128.load offset=1136 align=4  local.set $y1.89
    local.get $a0  v128.load32_splat offset=300  local.set $x
    local.get $x  local.get $y0.88  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
    local.get $x  local.get $y1.89  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
    local.get $a1  v128.load32_splat offset=300  local.set $x
    local.get $x  local.get $y0.88  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
    local.get $x  local.get $y1.89  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
  else
    local.get $o.panel  i32.const 5  i32.shl  local.get $arg1  i32.add  local.set $b0.90
    local.get $y0  i32.const 7  i32.shl  local.get $x0  i32.const 4  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -144  i32.add  local.set $add.95
    local.get $y0  i32.const -1  i32.add  local.set $add.97
    local.get $x0  i32.const -1  i32.add  local.set $add.98
    local.get $y1  i32.const 7  i32.shl  local.get $x1  i32.const 4  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -144  i32.add  local.set $add.101
    local.get $y1  i32.const -1  i32.add  local.set $add.103
    local.get $x1  i32.const -1  i32.add  local.set $add.104
    i32.const 0  local.set $ky
    loop $loop2
      local.get $add.95  local.get $ky  i32.const 7  i32.shl  i32.add  local.set $add
      local.get $add.97  local.get $ky  i32.add  i32.const 7  i32.le_u  local.set $le
      local.get $add.101  local.get $ky  i32.const 7  i32.shl  i32.add  local.set $add.100
      local.get $add.103  local.get $ky  i32.add  i32.const 7  i32.le_u  local.set $le.102
      i32.const 0  local.set $kx
      loop $loop3
        local.get $add  local.get $kx  i32.const 4  i32.shl  i32.add  i32.const 0  local.get $le  local.get $add.98
            local.get $kx  i32.add  i32.const 7  i32.le_u  i32.and  select  local.set $a0.93
        local.get $add.100  local.get $kx  i32.const 4  i32.shl  i32.add  i32.const 0  local.get $le.102
            local.get $add.104  local.get $kx  i32.add  i32.const 7  i32.le_u  i32.and  select  local.set $a1.99
        i32.const 4  local.set $left
        loop $loop4
          local.get $b0.90  v128.load align=4  local.set $y0.106
          local.get $b0.90  v128.load offset=16 align=4  local.set $y1.107
          local.get $a0.93  v128.load32_splat  local.set $x
          local.get $x  local.get $y0.106  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
          local.get $x  local.get $y1.107  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
          local.get $a1.99  v128.load32_splat  local.set $x
          local.get $x  local.get $y0.106  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
          local.get $x  local.get $y1.107  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
          local.get $a0.93  i32.const 4  i32.add  local.set $a0.93
          local.get $a1.99  i32.const 4  i32.add  local.set $a1.99
          local.get $b0.90  i32.const 32  i32.add  local.set $b0.90
          local.get $left  i32.const 1  i32.sub  local.tee $left  br_if $loop4
        end
        local.get $kx  i32.const 1  i32.add  local.tee $kx  i32.const 3  i32.lt_s  br_if $loop3
      end
      local.get $ky  i32.const 1  i32.add  local.tee $ky  i32.const 3  i32.lt_s  br_if $loop2
    end
  end
  local.get $y0  i32.const 8  i32.shl  local.get $o.panel  i32.const 5  i32.shl  local.tee $mul  i32.add  local.get $x0
      i32.const 5  i32.shl  i32.add  local.get $arg2  i32.add  local.get $zero  i32.const 2  i32.shl  local.tee $mul.111
      i32.add  local.tee $add.112  local.get $acc0_0  v128.store align=4
  local.get $add.112  local.get $acc0_1  v128.store offset=16 align=4
  local.get $y1  i32.const 8  i32.shl  local.get $mul  i32.add  local.get $x1  i32.const 5  i32.shl  i32.add
      local.get $arg2  i32.add  local.get $mul.111  i32.add  local.tee $add.113  local.get $acc1_0  v128.store align=4
  local.get $add.113  local.get $acc1_1  v128.store offset=16 align=4
)
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $inPoint  $point  $top  $inBlock  $height  $column  $a  $b  $r  $q  $row  $a.14  $b.15  $r.16  $q.17
      $first  $panel  $stop  $count  $room  $rowsLeft
  block $block1
    loop $loop2
      local.get $begin  local.get $end  i32.ge_s  br_if $block1
      local.get $begin  local.set $inPoint
      i32.const 0  local.set $point
      i32.const 0  local.set $top
      local.get $inPoint  local.get $top  i32.sub  local.set $inBlock
      i32.const 32  local.get $top  i32.sub  local.set $height
      local.get $inBlock  local.get $height  local.set $b  local.set $a
      local.get $b  i32.eqz  if $if3 (result i32)
        i32.const 0
      else
        local.get $b  i32.const -1  i32.eq  if $if4 (result i32)
          i32.const 0  local.get $a  i32.sub
        else
          local.get $a  local.get $b  i32.div_s  local.set $q
          local.get $a  local.get $q  local.get $b  i32.mul  i32.sub  local.set $r
          local.get $q  i32.const 1  i32.sub  local.get $q  local.get $r  i32.const 0  i32.ne  local.get $r
              local.get $b  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  local.set $column
      local.get $top  local.get $inBlock  local.get $height  local.set $b.15  local.set $a.14  local.get $b.15  i32.eqz
          if $if5 (result i32)
        i32.const 0
      else
        local.get $b.15  i32.const -1  i32.eq  if $if6 (result i32)
          i32.const 0
        else
          local.get $a.14  local.get $b.15  i32.rem_s  local.set $q.17
          local.get $q.17  local.set $r.16
          local.get $q.17  local.get $b.15  i32.add  local.get $q.17  local.get $r.16  i32.const 0  i32.ne
              local.get $r.16  local.get $b.15  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.add  local.set $row
      local.get $row  i32.const 1  i32.shl  local.set $first
      local.get $column  local.set $panel
      local.get $height  local.get $top  i32.add  local.get $row  i32.sub  local.set $count
      local.get $end  local.get $begin  i32.sub  local.set $room
      local.get $count  local.get $room  local.get $count  local.get $room  i32.lt_s  select  local.tee $count
          local.get $begin  i32.add  local.set $begin
      local.get $first  local.get $count  i32.const 2  i32.mul  i32.add  local.set $stop
      loop $loop7
        local.get $params  local.get $first  local.get $panel  call $tile2x8
        local.get $first  i32.const 2  i32.add  local.tee $first  local.get $stop  i32.lt_s  br_if $loop7
      end
      br $loop2
    end
  end
)
