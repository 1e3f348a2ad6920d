(import "env" "memory" (memory 1 65536 shared))
(func $tile2x8 (param $params i32) (param $first i32) (param $o.panel i32)
  (local v128) $acc0_0  $acc0_1  $acc1_0  $acc1_1  $y0.19  $y1.20  $x  $y0.38  $y1.39
  (local i32) $y0  $x0  $y1  $x1  $carry  $a0  $arg0  $a1  $b0  $arg1  $ky  $left  $b0.22  $ky.23  $kx  $a0.25  $add
      $add.27  $le  $add.29  $add.30  $a1.31  $add.32  $add.33  $le.34  $add.35  $add.36  $left.37  $zero  $mul  $arg2
      $mul.43  $add.44  $add.45
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
    i32.const 0  local.set $ky
    loop $loop2
      i32.const 12  local.set $left
      loop $loop3
        local.get $b0  v128.load align=4  local.set $y0.19
        local.get $b0  v128.load offset=16 align=4  local.set $y1.20
        local.get $a0  v128.load32_splat  local.set $x
        local.get $x  local.get $y0.19  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
        local.get $x  local.get $y1.20  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
        local.get $a1  v128.load32_splat  local.set $x
        local.get $x  local.get $y0.19  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
        local.get $x  local.get $y1.20  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
        local.get $a0  i32.const 4  i32.add  local.set $a0
        local.get $a1  i32.const 4  i32.add  local.set $a1
        local.get $b0  i32.const 32  i32.add  local.set $b0
        local.get $left  i32.const 1  i32.sub  local.tee $left  br_if $loop3
      end
      local.get $a0  i32.const 80  i32.add  local.set $a0
      local.get $a1  i32.const 80  i32.add  local.set $a1
      local.get $ky  i32.const 1  i32.add  local.tee $ky  i32.const 3  i32.lt_s  br_if $loop2
    end
  else
    local.get $o.panel  i32.const 5  i32.shl  local.get $arg1  i32.add  local.set $b0.22
    local.get $y0  i32.const 7  i32.shl  local.get $x0  i32.const 4  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -144  i32.add  local.set $add.27
    local.get $y0  i32.const -1  i32.add  local.set $add.29
    local.get $x0  i32.const -1  i32.add  local.set $add.30
    local.get $y1  i32.const 7  i32.shl  local.get $x1  i32.const 4  i32.shl  i32.add  local.get $arg0  i32.add
        i32.const -144  i32.add  local.set $add.33
    local.get $y1  i32.const -1  i32.add  local.set $add.35
    local.get $x1  i32.const -1  i32.add  local.set $add.36
    i32.const 0  local.set $ky.23
    loop $loop4
      local.get $add.27  local.get $ky.23  i32.const 7  i32.shl  i32.add  local.set $add
      local.get $add.29  local.get $ky.23  i32.add  i32.const 7  i32.le_u  local.set $le
      local.get $add.33  local.get $ky.23  i32.const 7  i32.shl  i32.add  local.set $add.32
      local.get $add.35  local.get $ky.23  i32.add  i32.const 7  i32.le_u  local.set $le.34
      i32.const 0  local.set $kx
      loop $loop5
        local.get $add  local.get $kx  i32.const 4  i32.shl  i32.add  i32.const 0  local.get $le  local.get $add.30
            local.get $kx  i32.add  i32.const 7  i32.le_u  i32.and  select  local.set $a0.25
        local.get $add.32  local.get $kx  i32.const 4  i32.shl  i32.add  i32.const 0  local.get $le.34
            local.get $add.36  local.get $kx  i32.add  i32.const 7  i32.le_u  i32.and  select  local.set $a1.31
        i32.const 4  local.set $left.37
        loop $loop6
          local.get $b0.22  v128.load align=4  local.set $y0.38
          local.get $b0.22  v128.load offset=16 align=4  local.set $y1.39
          local.get $a0.25  v128.load32_splat  local.set $x
          local.get $x  local.get $y0.38  f32x4.mul  local.get $acc0_0  f32x4.add  local.set $acc0_0
          local.get $x  local.get $y1.39  f32x4.mul  local.get $acc0_1  f32x4.add  local.set $acc0_1
          local.get $a1.31  v128.load32_splat  local.set $x
          local.get $x  local.get $y0.38  f32x4.mul  local.get $acc1_0  f32x4.add  local.set $acc1_0
          local.get $x  local.get $y1.39  f32x4.mul  local.get $acc1_1  f32x4.add  local.set $acc1_1
          local.get $a0.25  i32.const 4  i32.add  local.set $a0.25
          local.get $a1.31  i32.const 4  i32.add  local.set $a1.31
          local.get $b0.22  i32.const 32  i32.add  local.set $b0.22
          local.get $left.37  i32.const 1  i32.sub  local.tee $left.37  br_if $loop6
        end
        local.get $kx  i32.const 1  i32.add  local.tee $kx  i32.const 3  i32.lt_s  br_if $loop5
      end
      local.get $ky.23  i32.const 1  i32.add  local.tee $ky.23  i32.const 3  i32.lt_s  br_if $loop4
    end
  end
  local.get $y0  i32.const 8  i32.shl  local.get $o.panel  i32.const 5  i32.shl  local.tee $mul  i32.add  local.get $x0
      i32.const 5  i32.shl  i32.add  local.get $arg2  i32.add  local.get $zero  i32.const 2  i32.shl  local.tee $mul.43
      i32.add  local.tee $add.44  local.get $acc0_0  v128.store align=4
  local.get $add.44  local.get $acc0_1  v128.store offset=16 align=4
  local.get $y1  i32.const 8  i32.shl  local.get $mul  i32.add  local.get $x1  i32.const 5  i32.shl  i32.add
      local.get $arg2  i32.add  local.get $mul.43  i32.add  local.tee $add.45  local.get $acc1_0  v128.store align=4
  local.get $add.45  local.get $acc1_1  v128.store offset=16 align=4
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
