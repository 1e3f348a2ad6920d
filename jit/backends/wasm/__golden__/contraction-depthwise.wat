(import "env" "memory" (memory 1 65536 shared))
(func $tile2 (param $params i32) (param $y i32) (param $x0 i32)
  (local i32) $w0  $arg1  $a0  $arg0  $c  $add  $arg2  $add.25  $border_w0  $border_near0  $border_a0  $le  $le.30
      $border_a1  $le.32  $and  $border_a2  $le.35  $and.36  $border_a3  $le.38  $border_a4  $le.40  $border_a5  $and.42
      $border_a6  $and.44  $border_a7  $border_a8  $le.47  $border_a9  $and.49  $border_a10  $and.51  $border_a11  $c.53
      $add.54  $add.55
  (local v128) $acc0_0  $acc1_0  $weight  $held0  $held1  $held2  $held3  $held4  $held5  $held6  $held7  $held8  $held9
      $held10  $held11
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=8  local.set $arg2
  local.get $y  i32.const -1  i32.add  i32.const 5  i32.le_u  local.get $x0  i32.const -1  i32.add  i32.const 5
      i32.le_u  i32.and  local.get $x0  i32.const 5  i32.le_u  i32.and  if $if1
    local.get $arg1  local.set $w0
    local.get $y  i32.const 8  i32.shl  local.get $x0  i32.const 5  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -288  i32.add  local.set $a0
    local.get $y  i32.const 8  i32.shl  local.get $x0  i32.const 5  i32.shl  i32.add  local.get $arg2  i32.add
        local.set $add
    i32.const 0  local.set $c
    loop $loop2
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $acc0_0
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $acc1_0
      local.get $w0  v128.load align=4  local.set $weight
      local.get $a0  v128.load align=4  local.set $held0
      local.get $held0  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=32 align=4  local.set $held1
      local.get $held1  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=32 align=4  local.set $weight
      local.get $held1  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=64 align=4  local.set $held2
      local.get $held2  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=64 align=4  local.set $weight
      local.get $held2  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=96 align=4  local.set $held3
      local.get $held3  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=96 align=4  local.set $weight
      local.get $a0  v128.load offset=256 align=4  local.set $held4
      local.get $held4  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=288 align=4  local.set $held5
      local.get $held5  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=128 align=4  local.set $weight
      local.get $held5  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=320 align=4  local.set $held6
      local.get $held6  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=160 align=4  local.set $weight
      local.get $held6  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=352 align=4  local.set $held7
      local.get $held7  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=192 align=4  local.set $weight
      local.get $a0  v128.load offset=512 align=4  local.set $held8
      local.get $held8  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=544 align=4  local.set $held9
      local.get $held9  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=224 align=4  local.set $weight
      local.get $held9  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=576 align=4  local.set $held10
      local.get $held10  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $w0  v128.load offset=256 align=4  local.set $weight
      local.get $held10  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $a0  v128.load offset=608 align=4  local.set $held11
      local.get $held11  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $add  local.get $c  i32.const 2  i32.shl  i32.add  local.tee $add.25  local.get $acc0_0
          v128.store align=4
      local.get $add.25  local.get $acc1_0  v128.store offset=32 align=4
      local.get $a0  i32.const 16  i32.add  local.set $a0
      local.get $w0  i32.const 16  i32.add  local.set $w0
      local.get $c  i32.const 4  i32.add  local.tee $c  i32.const 8  i32.lt_s  br_if $loop2
    end
  else
    local.get $arg1  local.set $border_w0
    local.get $y  i32.const 8  i32.shl  local.get $x0  i32.const 5  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -288  i32.add  local.set $border_near0
    local.get $border_near0  i32.const 0  i32.add  i32.const 0  local.get $y  i32.const -1  i32.add  i32.const 7
        i32.le_u  local.tee $le  local.get $x0  i32.const -1  i32.add  i32.const 7  i32.le_u  local.tee $le.30  i32.and
        select  local.set $border_a0
    local.get $border_near0  i32.const 32  i32.add  i32.const 0  local.get $le  local.get $x0  i32.const 7  i32.le_u
        local.tee $le.32  i32.and  local.tee $and  select  local.set $border_a1
    local.get $border_near0  i32.const 64  i32.add  i32.const 0  local.get $le  local.get $x0  i32.const 1  i32.add
        i32.const 7  i32.le_u  local.tee $le.35  i32.and  local.tee $and.36  select  local.set $border_a2
    local.get $border_near0  i32.const 96  i32.add  i32.const 0  local.get $le  local.get $x0  i32.const 2  i32.add
        i32.const 7  i32.le_u  local.tee $le.38  i32.and  select  local.set $border_a3
    local.get $border_near0  i32.const 256  i32.add  i32.const 0  local.get $y  i32.const 7  i32.le_u  local.tee $le.40
        local.get $le.30  i32.and  select  local.set $border_a4
    local.get $border_near0  i32.const 288  i32.add  i32.const 0  local.get $le.40  local.get $le.32  i32.and
        local.tee $and.42  select  local.set $border_a5
    local.get $border_near0  i32.const 320  i32.add  i32.const 0  local.get $le.40  local.get $le.35  i32.and
        local.tee $and.44  select  local.set $border_a6
    local.get $border_near0  i32.const 352  i32.add  i32.const 0  local.get $le.40  local.get $le.38  i32.and  select
        local.set $border_a7
    local.get $border_near0  i32.const 512  i32.add  i32.const 0  local.get $y  i32.const 1  i32.add  i32.const 7
        i32.le_u  local.tee $le.47  local.get $le.30  i32.and  select  local.set $border_a8
    local.get $border_near0  i32.const 544  i32.add  i32.const 0  local.get $le.47  local.get $le.32  i32.and
        local.tee $and.49  select  local.set $border_a9
    local.get $border_near0  i32.const 576  i32.add  i32.const 0  local.get $le.47  local.get $le.35  i32.and
        local.tee $and.51  select  local.set $border_a10
    local.get $border_near0  i32.const 608  i32.add  i32.const 0  local.get $le.47  local.get $le.38  i32.and  select
        local.set $border_a11
    local.get $y  i32.const 8  i32.shl  local.get $x0  i32.const 5  i32.shl  i32.add  local.get $arg2  i32.add
        local.set $add.54
    i32.const 0  local.set $c.53
    loop $loop3
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $acc0_0
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $acc1_0
      local.get $border_w0  v128.load align=4  local.set $weight
      local.get $border_a0  v128.load align=4  local.set $held0
      local.get $held0  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a1  v128.load align=4  local.set $held1
      local.get $held1  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=32 align=4  local.set $weight
      local.get $held1  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a2  v128.load align=4  local.set $held2
      local.get $held2  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=64 align=4  local.set $weight
      local.get $held2  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a3  v128.load align=4  local.set $held3
      local.get $held3  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=96 align=4  local.set $weight
      local.get $border_a4  v128.load align=4  local.set $held4
      local.get $held4  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a5  v128.load align=4  local.set $held5
      local.get $held5  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=128 align=4  local.set $weight
      local.get $held5  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a6  v128.load align=4  local.set $held6
      local.get $held6  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=160 align=4  local.set $weight
      local.get $held6  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a7  v128.load align=4  local.set $held7
      local.get $held7  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=192 align=4  local.set $weight
      local.get $border_a8  v128.load align=4  local.set $held8
      local.get $held8  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a9  v128.load align=4  local.set $held9
      local.get $held9  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=224 align=4  local.set $weight
      local.get $held9  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a10  v128.load align=4  local.set $held10
      local.get $held10  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $border_w0  v128.load offset=256 align=4  local.set $weight
      local.get $held10  local.get $weight  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
      local.get $border_a11  v128.load align=4  local.set $held11
      local.get $held11  local.get $weight  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
      local.get $add.54  local.get $c.53  i32.const 2  i32.shl  i32.add  local.tee $add.55  local.get $acc0_0
          v128.store align=4
      local.get $add.55  local.get $acc1_0  v128.store offset=32 align=4
      local.get $border_a0  i32.const 16  i32.add  local.set $border_a0
      local.get $border_a1  i32.const 16  i32.add  local.set $border_a1
      local.get $border_a2  i32.const 16  i32.add  local.set $border_a2
      local.get $border_a3  i32.const 16  i32.add  local.set $border_a3
      local.get $border_a4  i32.const 16  i32.add  local.set $border_a4
      local.get $border_a5  i32.const 16  i32.add  local.set $border_a5
      local.get $border_a6  i32.const 16  i32.add  local.set $border_a6
      local.get $border_a7  i32.const 16  i32.add  local.set $border_a7
      local.get $border_a8  i32.const 16  i32.add  local.set $border_a8
      local.get $border_a9  i32.const 16  i32.add  local.set $border_a9
      local.get $border_a10  i32.const 16  i32.add  local.set $border_a10
      local.get $border_a11  i32.const 16  i32.add  local.set $border_a11
      local.get $border_w0  i32.const 16  i32.add  local.set $border_w0
      local.get $c.53  i32.const 4  i32.add  local.tee $c.53  i32.const 8  i32.lt_s  br_if $loop3
    end
  end
)
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $x
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $begin  local.set $unit
    loop $loop2
      local.get $unit  i32.const 3  i32.and  i32.const 1  i32.shl  local.set $x
      local.get $params  local.get $unit  i32.const 2  i32.shr_s  local.get $x  call $tile2
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
